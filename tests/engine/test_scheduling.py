"""Who gets a slot and when: steps are counted, not seconds."""

from pathlib import Path

import pytest
import torch

from inference.engine.fair_queue import AGEING_S
from inference.engine.wire import Accepted, Deltas, Failed, Finished
from tests.engine.batches import CONTEXT, Bench, bench

PROMPT = 40
BUDGET = 16
IDLE_STEPS = -(-PROMPT // BUDGET)  # until the first token of a prompt on an idle engine


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def prompt(number: int, length: int = PROMPT) -> list[int]:
    source = torch.Generator().manual_seed(number)
    return torch.randint(0, 500, (length,), generator=source).tolist()


def steps_until_text(one: Bench, request_id: str) -> int:
    """Step until a request has its first token; return how many steps that took."""
    for step in range(1, 2000):
        one.answers.frames.clear()
        one.engine.step()
        for _, message in one.answers.frames:
            if isinstance(message, Deltas) and any(
                delta.request_id == request_id for delta in message.items
            ):
                return step
    raise AssertionError(f"{request_id} was never served")


def crowd(directory: Path, *, slots: int = 4, backlog: int = 100, into: int = 12) -> Bench:
    """Return an engine that one tenant has filled with far more than it can run."""
    one = bench(directory, slots=slots, kept_slots=2, prefill_budget=BUDGET, max_waiting=1000)
    for number in range(backlog):
        one.submit(f"a{number}", prompt(number), CONTEXT - PROMPT, tenant="a")
    for _ in range(into):
        one.engine.step()
    return one


@pytest.mark.parametrize("into", range(1, 16))
def test_a_hundred_queued_requests_of_one_tenant_hardly_delay_another(
    tmp_path: Path, into: int
) -> None:
    one = crowd(tmp_path, into=into)
    one.submit("b", prompt(500), 20, tenant="b")
    assert steps_until_text(one, "b") <= 2 * IDLE_STEPS + IDLE_STEPS


def test_a_request_that_gave_way_goes_on_where_it_was(tmp_path: Path) -> None:
    one = bench(tmp_path, slots=2, kept_slots=2, prefill_budget=BUDGET)
    seeded = {"temperature": 1.2, "seed": 5}
    one.submit("a0", prompt(0), 30, tenant="a")
    one.submit("a1", prompt(1), 30, tenant="a", **seeded)
    for _ in range(12):
        one.engine.step()
    one.submit("b", prompt(2), 10, tenant="b")
    one.engine.step()
    assert (one.scheduler.preempted, one.scheduler.waiting) == (1, 1)
    answers = one.finish()
    expected = bench(tmp_path, slots=3, prefill_budget=BUDGET)
    expected.submit("a0", prompt(0), 30)
    expected.submit("a1", prompt(1), 30, **seeded)
    expected.submit("b", prompt(2), 10)
    assert answers.texts == expected.finish().texts
    end = answers.ends["a1"]
    assert isinstance(end, Finished)
    assert (end.usage.completion_tokens, end.usage.cached_tokens) == (30, 0)


def test_a_request_that_gave_way_goes_on_even_where_nothing_of_it_was_kept(tmp_path: Path) -> None:
    one = bench(tmp_path, slots=2, kept_slots=0, prefill_budget=BUDGET)
    for number in range(2):
        one.submit(f"a{number}", prompt(number), 30, tenant="a")
    for _ in range(12):
        one.engine.step()
    one.submit("b", prompt(2), 10, tenant="b")
    answers = one.finish()
    assert one.scheduler.preempted == 1
    expected = bench(tmp_path, slots=3)
    for name, number, tokens in (("a0", 0, 30), ("a1", 1, 30), ("b", 2, 10)):
        expected.submit(name, prompt(number), tokens)
    assert answers.texts == expected.finish().texts


def test_two_tenants_with_backlogs_do_not_keep_interrupting_each_other(tmp_path: Path) -> None:
    one = bench(tmp_path, slots=6, kept_slots=2, prefill_budget=64, max_waiting=1000)
    for number in range(20):
        one.submit(f"a{number}", prompt(number, 5), 20, tenant="a")
    for _ in range(5):
        one.engine.step()
    for number in range(20):
        one.submit(f"b{number}", prompt(number, 5), 20, tenant="b")
    one.finish()
    assert one.scheduler.preempted <= 3


def test_interactive_requests_take_the_slots_of_a_batch_and_the_batch_ends_all_the_same(
    tmp_path: Path,
) -> None:
    one = bench(tmp_path, slots=2, kept_slots=4, prefill_budget=64)
    for number in range(3):
        one.submit(f"line{number}", prompt(number), 30, tenant="a", priority=2)
    for _ in range(4):
        one.engine.step()
    for number in range(2):
        one.submit(f"chat{number}", prompt(10 + number), 10, tenant="a")
    assert steps_until_text(one, "chat0") == 1
    answers = one.finish()
    ended = list(answers.ends)
    assert set(ended[:2]) == {"chat0", "chat1"}
    assert set(ended[2:]) == {"line0", "line1", "line2"}
    assert all(isinstance(end, Finished) for end in answers.ends.values())


def test_a_batch_that_waited_long_gets_a_slot_and_keeps_it(tmp_path: Path) -> None:
    seconds = [0.0]
    one = bench(tmp_path, slots=1, kept_slots=2, prefill_budget=64, clock=lambda: seconds[0])
    one.submit("chat0", prompt(0), 10)
    one.submit("line", prompt(1), 10, priority=2)
    for number in range(1, 4):
        one.submit(f"chat{number}", prompt(10 + number), 10)
    while "chat0" not in one.answers.ends:
        one.engine.step()
    seconds[0] = AGEING_S
    assert list(one.finish().ends) == ["chat0", "line", "chat1", "chat2", "chat3"]
    assert one.scheduler.preempted == 0


@pytest.mark.parametrize("budget", [16, 40, 128])
def test_no_step_computes_more_prompt_tokens_than_the_budget_and_every_step_decodes(
    tmp_path: Path, budget: int
) -> None:
    one = bench(tmp_path, slots=26, prefill_budget=budget)
    one.submit("first", [5], 100)
    one.engine.step()
    computed, decoded = [], []
    prefill, decode = one.decoder.prefill, one.decoder.decode

    def counted(tokens: list[int], slot: int, start: int) -> torch.Tensor:
        computed.append(len(tokens))
        return prefill(tokens, slot, start)

    def noted(tokens: list[int], positions: list[int]) -> torch.Tensor:
        decoded.append(len(tokens))
        return decode(tokens, positions)

    one.decoder.prefill, one.decoder.decode = counted, noted  # type: ignore[method-assign]
    for number in range(24):
        one.submit(f"r{number}", prompt(number, 100), 3)
    steps = 0
    while "first" not in one.answers.ends:
        computed.clear()
        one.engine.step()
        steps += 1
        assert sum(computed) <= budget + budget // 8  # the last few tokens of a prompt
        assert len(computed) <= max(1, budget // 16)
    assert len(decoded) == steps == 99


def test_small_prompts_take_no_more_of_a_step_than_the_budget_allows(tmp_path: Path) -> None:
    one = bench(tmp_path, slots=20, prefill_budget=64)
    for number in range(20):
        one.submit(f"r{number}", [number], 30)
    one.engine.step()
    assert one.scheduler.running == 4


def accepted(one: Bench) -> list[Accepted]:
    one.engine.flush()
    return [message for _, message in one.answers.frames if isinstance(message, Accepted)]


def test_the_position_and_the_estimate_are_told_when_a_request_is_accepted(tmp_path: Path) -> None:
    one = bench(tmp_path, slots=2, prefill_budget=64)
    one.submit("first", prompt(0), 5)
    one.finish()
    assert [(a.position, a.estimated_s) for a in accepted(one)] == [(0, 0.0)]
    one.answers.frames.clear()
    for number in range(6):
        one.submit(f"r{number}", prompt(number), 5)
    answers = accepted(one)
    assert [a.position for a in answers] == [0, 1, 2, 3, 4, 5]
    estimates = [a.estimated_s for a in answers]
    assert estimates == sorted(estimates)
    assert estimates[5] > 0
    one.finish()
    assert [e for e in one.answers.ends if e != "first"] == [f"r{n}" for n in range(6)]


def test_a_request_past_its_deadline_fails_wherever_it_is_and_says_what_it_used(
    tmp_path: Path,
) -> None:
    seconds = [0.0]
    one = bench(tmp_path, slots=1, prefill_budget=64, clock=lambda: seconds[0])
    one.submit("quick", prompt(0), 2, deadline_s=10)
    one.submit("running", prompt(0), 80, deadline_s=10)
    one.submit("waiting", prompt(1), 10, deadline_s=10)
    one.submit("patient", prompt(2), 5, deadline_s=11)
    for _ in range(7):
        one.engine.step()
    assert list(one.answers.ends) == ["quick"]
    seconds[0] = 10.0
    one.finish()
    running, waiting = one.answers.ends["running"], one.answers.ends["waiting"]
    for end, made in ((waiting, 0), (running, 5)):
        assert isinstance(end, Failed)
        assert end.usage is not None
        assert (end.code, end.usage.completion_tokens) == ("deadline_passed", made)
    assert isinstance(one.answers.ends["quick"], Finished)
    assert isinstance(one.answers.ends["patient"], Finished)


@pytest.mark.parametrize(
    ("field", "value"),
    [("priority", 3), ("priority", -1), ("weight", 0.0), ("deadline_s", 0.0), ("weight", 1e9)],
)
def test_scheduling_out_of_bounds_is_refused_by_name(
    tmp_path: Path, field: str, value: float
) -> None:
    one = bench(tmp_path)
    one.submit("x", [1], 5, **{field: value})
    refused = one.finish().ends["x"]
    assert isinstance(refused, Failed)
    assert field in refused.detail
