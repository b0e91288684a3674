"""When a request that waits will be begun, from what was seen lately."""

import pytest

from inference.engine.statistics import Statistics


def seen(request_s: float, prefill_s: float) -> Statistics:
    statistics = Statistics()
    for _ in range(3):
        statistics.finished(request_s, prefill_s)
    return statistics


def test_with_a_slot_free_only_the_prompts_before_it_are_waited_for() -> None:
    statistics = seen(8.0, 0.5)
    assert statistics.start_in(0, free=4, slots=4, longest=100) == 0.0
    assert statistics.start_in(3, free=4, slots=4, longest=100) == pytest.approx(1.5)


def test_without_one_slots_become_free_at_the_pace_of_late() -> None:
    statistics = seen(8.0, 0.5)
    assert statistics.start_in(0, free=0, slots=4, longest=100) == pytest.approx(2.0)
    assert statistics.start_in(7, free=0, slots=4, longest=100) == pytest.approx(16.0)
    assert statistics.start_in(7, free=2, slots=4, longest=100) == pytest.approx(12.0)


def test_the_averages_move_towards_what_is_seen_now() -> None:
    statistics = seen(8.0, 0.5)
    for _ in range(50):
        statistics.finished(2.0, 0.1)
    assert statistics.mean_request_s == pytest.approx(2.0, abs=0.1)
    assert statistics.mean_prefill_s == pytest.approx(0.1, abs=0.01)


def test_before_the_first_has_ended_the_longest_that_runs_tells() -> None:
    statistics = Statistics()
    statistics.stepped(0.05)
    assert statistics.start_in(1, free=0, slots=4, longest=100) == pytest.approx(2.5)
