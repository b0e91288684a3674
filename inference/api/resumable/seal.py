"""What was said, sealed before the store sees it: its append-only file outlives every expiry."""

import os
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.crypto import salted_hmac

_NONCE_BYTES: Final = 12  # NIST SP 800-38D §8.2

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[bytes])


class Seal:
    """Seals one generation's messages (AES-256-GCM) under a key from SECRET_KEY."""

    def __init__(self, request_id: str) -> None:
        salt = "aiplatform.resumable.seal"
        self._cipher = AESGCM(salted_hmac(salt, request_id, algorithm="sha256").digest())

    def sealed(self, messages: list[bytes]) -> bytes:
        """Return `messages` encrypted, the nonce before them."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, _encoder.encode(messages), None)

    def opened(self, sealed: bytes) -> list[bytes]:
        """Return what `sealed` took; nothing where another SECRET_KEY sealed it."""
        try:
            text = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag:
            return []
        return _decoder.decode(text)
