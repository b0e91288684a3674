"""The arithmetic of the benchmarks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measurement import measurement_of, percentile


@pytest.mark.parametrize(
    ("rank", "value"), [(0, 1.0), (1, 1.0), (50, 50.0), (99, 99.0), (99.5, 100.0), (100, 100.0)]
)
def test_a_percentile_is_the_nearest_rank(rank: float, value: float) -> None:
    assert percentile([float(one) for one in range(1, 101)], rank) == value


def test_the_only_value_is_every_percentile() -> None:
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0


def test_nothing_measured_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 50)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_was_measured_and_its_share_does_not_exceed_it(
    values: list[float], rank: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, rank)
    assert found in ordered
    assert sum(one <= found for one in ordered) >= len(ordered) * rank / 100 - 1e-9


def test_a_measurement_counts_over_its_seconds_and_tells_milliseconds() -> None:
    measured = measurement_of([0.030, 0.010, 0.020], seconds=2.0)
    assert (measured.requests, measured.rps) == (3, 1.5)
    assert (measured.p50_ms, measured.p99_ms) == (20.0, 30.0)
