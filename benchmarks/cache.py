"""Where what is built or installed for comparison is kept, outside of any checkout."""

import os
from collections.abc import Callable
from pathlib import Path


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache, made by `make` unless that was done before."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "aiplatform-bench" / name
    complete = place / "complete"  # written last: without it, making it broke off
    if not complete.exists():
        place.mkdir(parents=True, exist_ok=True)
        make(place)
        complete.touch()
    return place
