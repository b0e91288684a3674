"""Ids as OpenAI's protocol writes them: what kind of thing, then 32 hexadecimal digits."""

import re
import uuid
from typing import Final

_DIGITS: Final = re.compile(r"[0-9a-f]{32}")


def public_id(prefix: str, id_: uuid.UUID) -> str:
    """Return the id with what tells its kind: `file-`, `batch_`."""
    return f"{prefix}{id_.hex}"


def id_of(prefix: str, text: str) -> uuid.UUID | None:
    """Return what `public_id` wrote, or None for anything else."""
    digits = text.removeprefix(prefix)
    return uuid.UUID(digits) if digits != text and _DIGITS.fullmatch(digits) else None
