"""The form of an API key: `aip_<public id>_<secret><checksum>`.

The prefix and the checksum let secret scanners recognise a leaked key, and let a mistyped one be
told without asking the database. The public id finds the row; the secret is only ever compared as
its HMAC-SHA256 under a pepper that the database does not hold.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from typing import Final, NamedTuple

PREFIX: Final = "aip"
PUBLIC_ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 32  # 190 bits
CHECKSUM_LENGTH: Final = 6
MAX_LENGTH: Final = len(PREFIX) + PUBLIC_ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH + 2

_ALPHABET: Final = string.ascii_letters + string.digits
_FORM: Final = re.compile(
    rf"{PREFIX}_([A-Za-z0-9]{{{PUBLIC_ID_LENGTH}}})_"
    rf"([A-Za-z0-9]{{{SECRET_LENGTH}}})([A-Za-z0-9]{{{CHECKSUM_LENGTH}}})"
)


class KeyParts(NamedTuple):
    """A well-formed key taken apart."""

    public_id: str
    secret: str


def new_parts() -> KeyParts:
    """Return a fresh public id and secret."""
    return KeyParts(_random(PUBLIC_ID_LENGTH), _random(SECRET_LENGTH))


def to_text(parts: KeyParts) -> str:
    """Return the key as its owner sees it, once."""
    body = f"{PREFIX}_{parts.public_id}_{parts.secret}"
    return body + _checksum(body)


def parse(text: str) -> KeyParts | None:
    """Return the parts of `text`, or None where it cannot be a key of ours."""
    match = _FORM.fullmatch(text) if len(text) == MAX_LENGTH else None
    if match is None or _checksum(text[:-CHECKSUM_LENGTH]) != match[3]:
        return None
    return KeyParts(match[1], match[2])


def is_well_formed(text: str) -> bool:
    """Return whether `text` can be a key of ours at all. A true answer also says: ASCII, short."""
    return parse(text) is not None


def digest(secret: str, pepper: str) -> str:
    """Return the hex HMAC-SHA256 of `secret` under `pepper`."""
    return hmac.new(pepper.encode(), secret.encode(), hashlib.sha256).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    value = zlib.crc32(body.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        value, digit = divmod(value, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)
