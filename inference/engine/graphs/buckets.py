"""The few shapes that steps come in."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

SHORTEST: Final = 256  # tokens; reading so few takes no longer than reading fewer


class Buckets:
    """Numbers of rows, and of positions that every row reads: powers of two up to a bound."""

    def __init__(self, *, rows: int, context: int) -> None:
        self._rows = _doubling(1, rows)
        self._lengths = _doubling(SHORTEST, context)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Give every shape, the largest first: what follows fits into the memory it took."""
        return ((rows, n) for rows in reversed(self._rows) for n in reversed(self._lengths))

    def of(self, rows: int, length: int) -> tuple[int, int]:
        """Return the smallest shape that holds `rows` of at most `length` tokens."""
        return self.rows(rows), self._lengths[bisect_left(self._lengths, length)]

    def rows(self, rows: int) -> int:
        """Return the smallest number of rows that holds so many."""
        return self._rows[bisect_left(self._rows, rows)]


def _doubling(first: int, bound: int) -> list[int]:
    """Return `first`, twice that and so on, and the bound itself."""
    found = []
    while first < bound:
        found.append(first)
        first *= 2
    return [*found, bound]
