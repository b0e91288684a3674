"""What the rounds come to: medians, a Markdown table, and whether the targets hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.measurement import Measurement

MOST_ADDED_MS: Final = 3.0  # at concurrency 1
LEAST_RATIO: Final = 3.0  # of requests per second, at every higher concurrency


@dataclass(frozen=True)
class Row:
    """All rounds against one server at one concurrency."""

    server: str
    concurrency: int
    model_ms: float  # what stands in for the model takes alone
    rounds: Sequence[Measurement]

    @property
    def rps(self) -> float:
        """Answers a second."""
        return median(one.rps for one in self.rounds)

    @property
    def p50_ms(self) -> float:
        """Median latency."""
        return median(one.p50_ms for one in self.rounds)

    @property
    def p99_ms(self) -> float:
        """99th percentile of latency."""
        return median(one.p99_ms for one in self.rounds)

    @property
    def added_ms(self) -> float:
        """Median latency over what the model itself takes."""
        return self.p50_ms - self.model_ms


@dataclass(frozen=True)
class Pair:
    """The platform and its comparison at one concurrency."""

    ours: Row
    theirs: Row

    @property
    def ratio(self) -> float:
        """How many times the other's requests per second."""
        return self.ours.rps / self.theirs.rps


def table(pairs: Sequence[Pair]) -> str:
    """Return the table in Markdown; each figure is the median of its rounds."""
    head = [
        "| at once | server | requests/s (rounds) | p50 ms | p99 ms | added ms | ratio |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    lines = [
        line
        for pair in pairs
        for line in (_line(pair.ours, f"{pair.ratio:.1f}"), _line(pair.theirs, ""))
    ]
    return "\n".join([*head, *lines])


def verdicts(pairs: Sequence[Pair]) -> Iterator[tuple[bool, str]]:
    """Yield for each target whether it holds, and the sentence that says so."""
    for pair in pairs:
        at = pair.ours.concurrency
        if at == 1:
            added = pair.ours.added_ms
            yield added < MOST_ADDED_MS, f"{added:.2f} ms added at 1 (under {MOST_ADDED_MS:g})"
        else:
            ratio = pair.ratio
            yield ratio >= LEAST_RATIO, f"{ratio:.2f} times at {at} (at least {LEAST_RATIO:g})"


def _line(row: Row, ratio: str) -> str:
    rates = ", ".join(f"{one.rps:.0f}" for one in row.rounds)
    return (
        f"| {row.concurrency} | {row.server} | {row.rps:.0f} ({rates}) | {row.p50_ms:.1f} "
        f"| {row.p99_ms:.1f} | {row.added_ms:.2f} | {ratio} |"
    )
