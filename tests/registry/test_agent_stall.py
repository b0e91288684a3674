"""Progress means that steps move while there is work; silence is no progress."""

from inference.engine.wire import Status
from inference.registry.agent.stall import StallWatch


def _busy(steps: int) -> Status:
    return Status(state="ready", running=1, steps=steps)


def test_a_busy_runner_whose_steps_move_is_never_stuck() -> None:
    watch = StallWatch(0.0)
    for second in range(100):
        watch.note(_busy(steps=second), float(second))
        assert not watch.stuck(float(second))


def test_a_busy_runner_whose_steps_stand_still_is_stuck_then_hopeless() -> None:
    watch = StallWatch(0.0)
    for second in range(10):
        watch.note(_busy(steps=7), float(second))
    assert not watch.stuck(9.9)
    assert watch.stuck(10.0)
    assert not watch.hopeless(29.9)
    assert watch.hopeless(30.0)


def test_an_idle_runner_may_stand_still_as_long_as_it_answers() -> None:
    watch = StallWatch(0.0)
    for second in range(0, 100, 5):
        watch.note(Status(state="ready", steps=3), float(second))
    assert not watch.stuck(100.0)


def test_an_idle_runner_that_no_longer_answers_is_stuck() -> None:
    watch = StallWatch(0.0)
    watch.note(Status(state="ready", steps=3), 1.0)
    assert watch.stuck(11.0)
    assert watch.hopeless(31.0)


def test_work_that_queues_counts_even_when_nothing_runs() -> None:
    watch = StallWatch(0.0)
    for second in range(11):
        watch.note(Status(state="ready", waiting=4, steps=3), float(second))
    assert watch.stuck(10.0)


def test_loading_may_keep_a_runner_silent_for_minutes() -> None:
    watch = StallWatch(0.0)
    watch.note(Status(state="loading"), 1.0)
    assert not watch.stuck(100.0)
    assert not watch.hopeless(180.0)
    assert watch.hopeless(181.0)
