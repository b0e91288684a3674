"""What several rounds measured of everybody, and the table of their medians."""

import statistics
from collections import defaultdict
from collections.abc import Sequence

from benchmarks.measurement import Measurement


class Rounds:
    """Servers at each concurrency, and one who answers offline."""

    def __init__(self, offline_name: str, at: Sequence[int]) -> None:
        self._offline_name = offline_name
        self._at = at
        self._served: dict[tuple[str, int], list[Measurement]] = defaultdict(list)
        self.offline: list[float] = []  # answers a second at the best batch size, one a round

    def add(self, who: str, at: int, found: Measurement) -> None:
        """Note what one server gave."""
        self._served[who, at].append(found)

    def rate(self, who: str, at: int) -> float:
        """Return the median of the server's answers a second."""
        return statistics.median(one.rps for one in self._served[who, at])

    def of_offline(self) -> float:
        """Return the median of the offline rate."""
        return statistics.median(self.offline)

    def table(self, unit: str) -> str:
        """Return it in Markdown."""
        names = list(dict.fromkeys(who for who, _ in self._served))
        head = [
            f"{self._offline_name}, best batch: {self.of_offline():.0f} {unit}",
            "",
            f"| server | at once | {unit} | of offline | p50 | p99 |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        return "\n".join([*head, *(self._row(who, at) for at in self._at for who in names)])

    def _row(self, who: str, at: int) -> str:
        found, rate = self._served[who, at], self.rate(who, at)
        p50 = statistics.median(one.p50_ms for one in found)
        p99 = statistics.median(one.p99_ms for one in found)
        share = rate / self.of_offline()
        return f"| {who} | {at} | {rate:.0f} | {share:.0%} | {p50:.1f} ms | {p99:.1f} ms |"
