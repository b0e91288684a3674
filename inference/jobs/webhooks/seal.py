"""Endpoints' secrets, encrypted under a key from SECRET_KEY.

They sign every delivery, so that a digest would not do; whoever has the database alone reads none.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32  # AES-256
_NONCE_BYTES: Final = 12  # NIST SP 800-38D §8.2


class SecretUnreadable(Exception):
    """It was sealed under another SECRET_KEY, for somebody else, or was changed since."""


def sealed(secret: bytes, *, user_id: int) -> bytes:
    """Return `secret` encrypted (AES-256-GCM), the salt before it. It opens for this user only."""
    salt = os.urandom(_SALT_BYTES)
    cipher, nonce = _cipher(salt)
    return salt + cipher.encrypt(nonce, secret, _context(user_id))


def opened(sealed_secret: bytes, *, user_id: int) -> bytes:
    """Return what `sealed` took. Raises SecretUnreadable."""
    cipher, nonce = _cipher(sealed_secret[:_SALT_BYTES])
    try:
        return cipher.decrypt(nonce, sealed_secret[_SALT_BYTES:], _context(user_id))
    except InvalidTag as error:
        raise SecretUnreadable from error


def _cipher(salt: bytes) -> tuple[AESGCM, bytes]:
    """Return cipher and nonce of one secret (HKDF, RFC 5869); no two share their salt."""
    length = _KEY_BYTES + _NONCE_BYTES
    derivation = HKDF(SHA256(), length, salt, b"aiplatform webhook secret")
    derived = derivation.derive(settings.SECRET_KEY.encode())
    return AESGCM(derived[:_KEY_BYTES]), derived[_KEY_BYTES:]


def _context(user_id: int) -> bytes:
    return f"user {user_id}".encode()
