"""What was computed for one request serves others that begin the same, and only whom it may."""

import random
from pathlib import Path

import pytest
import torch

from inference.engine.wire import Finished
from tests.engine.batches import CONTEXT, Answers, Bench, bench

PREFIX = list(range(100, 160))


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def cached(answers: Answers, request_id: str) -> int:
    end = answers.ends[request_id]
    assert isinstance(end, Finished), end
    return end.usage.cached_tokens


def alone(directory: Path, prompt: list[int], max_tokens: int = 16) -> str:
    one = bench(directory)
    one.submit("x", prompt, max_tokens)
    return one.finish().texts["x"]


def without_reuse(directory: Path, prompts: dict[str, list[int]], tokens: int) -> dict[str, str]:
    crowd = bench(directory, slots=len(prompts), prefill_budget=CONTEXT)
    for name, prompt in prompts.items():
        crowd.submit(name, prompt, tokens, tenant=name)
    return crowd.finish().texts


def watch(one: Bench) -> list[int]:
    """Return a list that grows by the length of every chunk that is computed."""
    lengths: list[int] = []
    original = one.decoder.prefill

    def prefill(tokens: list[int], slot: int, start: int) -> torch.Tensor:
        lengths.append(len(tokens))
        return original(tokens, slot, start)

    one.decoder.prefill = prefill  # type: ignore[method-assign]
    return lengths


def test_the_next_turn_of_a_conversation_computes_only_what_is_new(tmp_path: Path) -> None:
    chat = bench(tmp_path, kept_slots=1)
    chat.submit("first", PREFIX, 10, tenant="a")
    chat.finish()
    computed = watch(chat)
    answer = chat.answers.ends["first"]
    assert isinstance(answer, Finished)
    longer = [*PREFIX, *range(7, 17)]
    chat.submit("second", longer, 10, tenant="a")
    answers = chat.finish()
    assert cached(answers, "second") == len(PREFIX)
    assert sum(computed) == 10
    assert answers.texts["second"] == alone(tmp_path, longer, 10)


def test_the_same_prompt_again_computes_one_token_and_gives_the_same_text(tmp_path: Path) -> None:
    one = bench(tmp_path, kept_slots=1)
    for name in ("first", "again"):
        one.submit(name, PREFIX, 12, tenant="a")
        one.finish()
    assert cached(one.answers, "again") == len(PREFIX) - 1
    assert one.answers.texts["again"] == one.answers.texts["first"]


def test_requests_that_share_a_beginning_and_arrive_at_once_compute_it_once(tmp_path: Path) -> None:
    crowd = bench(tmp_path, slots=16, kept_slots=2)
    computed = watch(crowd)
    prompts = {f"r{n}": [*PREFIX, n, n + 1, n + 2] for n in range(16)}
    for name, prompt in prompts.items():
        crowd.submit(name, prompt, 16, tenant="a")
    answers = crowd.finish()
    assert [cached(answers, name) for name in prompts] == [0] + [len(PREFIX)] * 15
    assert sum(computed) == len(PREFIX) + 16 * 3
    assert answers.texts == without_reuse(tmp_path, prompts, 16)


def test_another_tenant_computes_the_same_prompt_itself(tmp_path: Path) -> None:
    two = bench(tmp_path, kept_slots=2)
    two.submit("running", PREFIX, 40, tenant="a")
    two.engine.step()
    two.submit("beside", PREFIX, 10, tenant="b")
    two.finish()
    two.submit("after", PREFIX, 10, tenant="c")
    answers = two.finish()
    assert (cached(answers, "beside"), cached(answers, "after")) == (0, 0)
    two.submit("own", PREFIX, 10, tenant="b")
    assert cached(two.finish(), "own") == len(PREFIX) - 1


def test_tenants_share_a_prompt_that_the_operator_marked_and_nothing_behind_it(
    tmp_path: Path,
) -> None:
    two = bench(tmp_path, kept_slots=2, shared=[PREFIX[:40]])
    two.submit("a", [*PREFIX, 1], 10, tenant="a")
    two.finish()
    two.submit("b", [*PREFIX, 1], 10, tenant="b")
    answers = two.finish()
    assert cached(answers, "b") == 40
    assert answers.texts["b"] == answers.texts["a"]


def test_what_was_used_least_recently_gives_way(tmp_path: Path) -> None:
    small = bench(tmp_path, slots=1, kept_slots=2)
    for name, start in (("x", 10), ("y", 110), ("z", 210), ("x again", 10), ("w", 310)):
        small.submit(name, list(range(start, start + 30)), 4, tenant="a")
        small.finish()
    small.submit("y again", list(range(110, 140)), 4, tenant="a")
    small.submit("x once more", list(range(10, 40)), 4, tenant="a")
    answers = small.finish()
    assert cached(answers, "x again") == 29
    assert cached(answers, "x once more") == 29
    assert cached(answers, "y again") == 0


def test_a_request_that_failed_leaves_nothing_to_reuse(tmp_path: Path) -> None:
    one = bench(tmp_path, kept_slots=1)
    one.submit("bad", PREFIX, 20, tenant="a")
    one.engine.step()
    original = one.decoder.decode
    one.decoder.decode = lambda *_: torch.full((1, 500), torch.nan)  # type: ignore[method-assign]
    while one.engine.busy:
        one.engine.step()
    one.decoder.decode = original  # type: ignore[method-assign]
    one.submit("next", PREFIX, 10, tenant="a")
    answers = one.finish()
    assert cached(answers, "next") == 0
    assert answers.texts["next"] == alone(tmp_path, PREFIX, 10)


def test_a_cancelled_prompt_leaves_what_was_computed_of_it(tmp_path: Path) -> None:
    one = bench(tmp_path, kept_slots=1, prefill_budget=16)
    one.submit("leaves", PREFIX, 20, tenant="a")
    one.engine.step()
    one.engine.step()
    one.engine.cancel("gateway", "leaves")
    one.submit("next", PREFIX, 10, tenant="a")
    answers = one.finish()
    assert cached(answers, "next") == 32
    assert answers.texts["next"] == alone(tmp_path, PREFIX, 10)


@pytest.mark.parametrize("kept_slots", [0, 1, 5])
def test_texts_stay_the_same_while_slots_are_kept_moved_and_taken_at_random(
    tmp_path: Path, kept_slots: int
) -> None:
    source = random.Random(kept_slots)
    crowd = bench(tmp_path, slots=4, kept_slots=kept_slots, prefill_budget=24, shared=[[7] * 9])
    stems = [[7] * 9, list(range(20, 60)), list(range(20, 45)), list(range(300, 350))]
    prompts: dict[str, list[int]] = {}
    for number in range(40):
        stem = source.choice(stems)
        tail = [source.randrange(500) for _ in range(source.randrange(1, 12))]
        prompts[f"r{number}"] = [*stem[: source.randrange(1, len(stem) + 1)], *tail]
        crowd.submit(
            f"r{number}",
            prompts[f"r{number}"],
            source.randrange(1, CONTEXT - 62),
            tenant=source.choice("ab"),
        )
        for _ in range(source.randrange(8)):
            crowd.engine.step()
        if source.random() < 0.2:
            crowd.engine.cancel("gateway", f"r{source.randrange(number + 1)}")
    answers = crowd.finish()
    assert sum(cached(answers, name) for name in prompts) > 100
    whole = without_reuse(tmp_path, prompts, CONTEXT - 62)
    for name in prompts:
        assert whole[name].startswith(answers.texts[name]), name
