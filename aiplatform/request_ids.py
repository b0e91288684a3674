"""Ids of requests: UUID version 7 (RFC 9562 §5.7), so that they sort by the time they were made."""

import random
import time
import uuid


def new_request_id() -> uuid.UUID:
    """Return a fresh id: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    # Unique, not secret: knowing an id opens nothing, and the kernel's randomness costs a call.
    value = (milliseconds & ((1 << 48) - 1)) << 80 | random.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def first_request_id(milliseconds: int) -> uuid.UUID:
    """Return the least id that can be made at that Unix time; a time before 1970 counts as 1970."""
    return uuid.UUID(int=max(0, milliseconds) << 80 | 0x7 << 76 | 0x2 << 62)
