"""When a delivery that failed is tried again."""

import random
from datetime import timedelta
from typing import Final

# After the first attempt, the second, …: over a day in all.
_WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
MAX_ATTEMPTS: Final = len(_WAITS) + 1
_JITTER: Final = 0.2  # at most so much longer: what failed together does not come back together


def wait_after(attempt: int) -> timedelta | None:
    """Return how long to wait after the `attempt`th failed; None: that was the last."""
    if attempt >= MAX_ATTEMPTS:
        return None
    return _WAITS[attempt - 1] * (1 + _JITTER * random.random())  # noqa: S311  # no secret
