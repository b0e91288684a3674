"""Answers encrypted under the caller's own `Idempotency-Key`, which is kept nowhere.

Whoever has the database cannot read them, and who has the server's secret as well still lacks the
key. The secret goes in beside it because people choose keys that can be guessed.
"""

import os
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils.crypto import salted_hmac

from aiplatform.idempotency.attempt import Attempt
from aiplatform.idempotency.kept_answer import KeptAnswer

_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32  # AES-256
_NONCE_BYTES: Final = 12  # NIST SP 800-38D §8.2


def sealed(answer: KeptAnswer, attempt: Attempt) -> bytes:
    """Return `answer` encrypted (AES-256-GCM), the salt before it."""
    salt = os.urandom(_SALT_BYTES)
    cipher, nonce = _cipher(attempt.key, salt)
    return salt + cipher.encrypt(nonce, msgspec.msgpack.encode(answer), _context(attempt))


def opened(sealed_answer: bytes, attempt: Attempt) -> KeptAnswer:
    """Return what `sealed` took. Raises InvalidTag where anything of it was changed."""
    salt, encrypted = sealed_answer[:_SALT_BYTES], sealed_answer[_SALT_BYTES:]
    cipher, nonce = _cipher(attempt.key, salt)
    text = cipher.decrypt(nonce, encrypted, _context(attempt))
    return msgspec.msgpack.decode(text, type=KeptAnswer)


def _cipher(key: str, salt: bytes) -> tuple[AESGCM, bytes]:
    """Return cipher and nonce of one record (HKDF, RFC 5869); no two share their salt."""
    material = salted_hmac("aiplatform.idempotency.seal", key, algorithm="sha256").digest()
    length = _KEY_BYTES + _NONCE_BYTES
    derived = HKDF(SHA256(), length, salt, b"aiplatform idempotency answer").derive(material)
    return AESGCM(derived[:_KEY_BYTES]), derived[_KEY_BYTES:]


def _context(attempt: Attempt) -> bytes:
    """Return what ties an answer to its record: it opens in no other."""
    return f"{attempt.key_digest} {attempt.body_digest}".encode()
