"""The table, and which targets hold."""

import pytest

from benchmarks.measurement import Measurement
from benchmarks.report import Pair, Row, table, verdicts


def _pair(concurrency: int, *, ours_rps: float = 300.0, ours_p50_ms: float = 22.0) -> Pair:
    return Pair(
        Row("platform", concurrency, 20.0, [Measurement(99, ours_rps, ours_p50_ms, 40.0)]),
        Row("LiteLLM", concurrency, 21.0, [Measurement(99, 100.0, 50.0, 90.0)]),
    )


@pytest.mark.parametrize(("p50_ms", "holds"), [(22.9, True), (23.0, False), (30.0, False)])
def test_at_one_caller_the_added_time_decides(p50_ms: float, holds: bool) -> None:
    assert [one for one, _ in verdicts([_pair(1, ours_p50_ms=p50_ms, ours_rps=1.0)])] == [holds]


@pytest.mark.parametrize(("rps", "holds"), [(299.0, False), (300.0, True), (900.0, True)])
def test_at_more_callers_the_ratio_decides(rps: float, holds: bool) -> None:
    assert [one for one, _ in verdicts([_pair(16, ours_rps=rps, ours_p50_ms=99.0)])] == [holds]


def test_a_figure_is_the_median_of_its_rounds() -> None:
    rounds = [Measurement(1, rps, rps, rps) for rps in (900.0, 100.0, 110.0)]
    row = Row("platform", 16, 20.0, rounds)
    assert (row.rps, row.p50_ms, row.p99_ms, row.added_ms) == (110.0, 110.0, 110.0, 90.0)


def test_the_table_has_two_lines_for_each_concurrency() -> None:
    lines = table([_pair(1), _pair(16)]).splitlines()
    assert len(lines) == 2 + 4
    assert lines[2] == "| 1 | platform | 300 (300) | 22.0 | 40.0 | 2.00 | 3.0 |"
    assert lines[5] == "| 16 | LiteLLM | 100 (100) | 50.0 | 90.0 | 29.00 |  |"
