"""Limits as people say them."""

from typing import Final

_OVER: Final = {
    "minute": "a minute",
    "hour": "an hour",
    "day": "a day",
    "month": "a month",
    "total": "in total",
    "now": "at once",
}


def what_over(resource: str, window: str) -> str:
    """Return `tokens an hour`, `requests at once`: what is counted, and over which time."""
    what = "requests" if resource == "concurrency" else resource
    return f"{what} {_OVER[window]}"
