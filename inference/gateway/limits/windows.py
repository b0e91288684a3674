"""The times limits count over. They slide, in steps of a bucket: any minute, any hour."""

from typing import Final, NamedTuple

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
DAY_MS: Final = 24 * _HOUR


class SlidingWindow(NamedTuple):
    """Lengths in ms. What was used leaves with its bucket, at most one bucket late."""

    length: int  # 0: for ever; -1: nothing is ever used, only reserved
    bucket: int


WINDOWS: Final = {
    "minute": SlidingWindow(_MINUTE, _SECOND),
    "hour": SlidingWindow(_HOUR, _MINUTE),
    "day": SlidingWindow(DAY_MS, 15 * _MINUTE),
    "month": SlidingWindow(30 * DAY_MS, DAY_MS),
    "total": SlidingWindow(0, 0),
    "now": SlidingWindow(-1, 0),
}
