"""What the rounds come to: a Markdown table, ratios, and whether the targets hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.serving.client import Figures
from benchmarks.serving.loads import Kind

OURS: Final = "ours"
# Times the other's tokens a second, by callers at once.
LEAST: Final = {
    "llama.cpp": {1: 1.3, 8: 1.5, 32: 1.5},
    "transformers": {1: 3.0, 8: 3.0, 32: 3.0, 64: 3.0},
}
NO_WORSE: Final = "llama.cpp"  # whose median time to the first text is not to be exceeded


@dataclass
class Case:
    """One kind of load at one concurrency: the figures of every server, a round each."""

    kind: Kind
    at: int
    rounds: dict[str, list[Figures]] = field(default_factory=dict)

    def note(self, server: str, figures: Figures) -> None:
        """Add a round."""
        self.rounds.setdefault(server, []).append(figures)

    def median(self, server: str, figure: str) -> float:
        """Return the median of one figure over a server's rounds."""
        return float(median(getattr(one, figure) for one in self.rounds[server]))

    def ratio(self, server: str) -> float:
        """Return how many times the tokens a second of `server` ours makes."""
        return self.median(OURS, "tokens_per_s") / self.median(server, "tokens_per_s")


def table(cases: Sequence[Case], floor: dict[int, float]) -> str:
    """Return the table; each figure is the median of its rounds. `floor` is in tokens a second."""
    head = [
        "| load | at once | server | tokens/s (rounds) | ours is | of the floor | TTFT p50 / p99 ms"
        " | ITL p50 / p99 ms |",
        "|---|--:|---|--:|--:|--:|--:|--:|",
    ]
    return "\n".join([*head, *(line for case in cases for line in _lines(case, floor))])


def verdicts(cases: Sequence[Case]) -> Iterator[tuple[bool, str]]:
    """Yield for each target whether it holds, and the sentence that says so."""
    for case in cases:
        if case.kind != "independent" or OURS not in case.rounds:
            continue
        for server in case.rounds.keys() & LEAST.keys():
            if least := LEAST[server].get(case.at):
                ratio = case.ratio(server)
                said = f"{ratio:.2f} times {server} at {case.at} (at least {least:g})"
                yield ratio >= least, said
        if NO_WORSE in case.rounds:
            ours, theirs = (case.median(name, "ttft_p50") for name in (OURS, NO_WORSE))
            said = f"TTFT p50 {ours:.0f} ms at {case.at} ({NO_WORSE} {theirs:.0f})"
            yield ours <= theirs, said


def _lines(case: Case, floor: dict[int, float]) -> Iterator[str]:
    for server, rounds in case.rounds.items():
        rate = case.median(server, "tokens_per_s")
        each = ", ".join(f"{one.tokens_per_s:.0f}" for one in rounds)
        other = server != OURS and OURS in case.rounds
        ratio = f"{case.ratio(server):.2f} times" if other else ""
        share = f"{rate / floor[case.at]:.0%}" if case.at in floor else ""
        times = [f"{case.median(server, name):.0f}" for name in Figures.__struct_fields__[1:]]
        yield (
            f"| {case.kind} | {case.at} | {server} | {rate:.0f} ({each}) | {ratio} | {share} "
            f"| {times[0]} / {times[1]} | {times[2]} / {times[3]} |"
        )
