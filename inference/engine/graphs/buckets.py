"""The few sizes that steps come in."""

from bisect import bisect_left
from collections.abc import Iterator


class Buckets:
    """A first size, twice that and so on up to a bound, which is the last."""

    def __init__(self, first: int, bound: int) -> None:
        self._sizes = []
        while first < bound:
            self._sizes.append(first)
            first *= 2
        self._sizes.append(bound)

    def __iter__(self) -> Iterator[int]:
        """Give every size, the largest first: what follows fits into the memory it took."""
        return reversed(self._sizes)

    def of(self, count: int) -> int:
        """Return the smallest size that holds `count`."""
        return self._sizes[bisect_left(self._sizes, count)]
