"""Signatures of the Standard Webhooks specification, version 1, with a shared secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Final

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32  # the specification: 24 to 64


def new_secret() -> bytes:
    """Return a fresh secret."""
    return os.urandom(_SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """Return the secret as its owner is shown it and as verifying libraries take it."""
    return _PREFIX + base64.b64encode(secret).decode()


def signed_headers(
    message_id: str, timestamp: int, body: bytes, secrets: Iterable[bytes]
) -> dict[str, str]:
    """Return the headers that show who sent `body`, and when (Unix seconds).

    One signature for each secret: while a secret is being replaced, either verifies.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: bytes, signed: bytes) -> str:
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
