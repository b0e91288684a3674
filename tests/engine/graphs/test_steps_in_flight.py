"""A step is asked for before the last one's tokens are seen; what was too much is thrown away."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.engine.decoder import SlotDecoder
from inference.engine.graphs.decoder import IDLE, GraphDecoder
from inference.engine.wire import Failed, Finished
from tests.engine.batches import Bench, bench
from tests.engine.graphs.flying import flying


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


class Told:
    """What a decoder was told: tokens and positions of each step."""

    def __init__(self, decoder: SlotDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[tuple[list[int], list[int]]] = []
        right = decoder.decode

        def decode(tokens: list[int], positions: list[int]) -> Tensor:
            self.steps.append((list(tokens), list(positions)))
            return right(tokens, positions)

        monkeypatch.setattr(decoder, "decode", decode)


def tokens_of(one: Bench, name: str) -> int:
    end = one.answers.ends[name]
    assert isinstance(end, Finished)
    return end.usage.completion_tokens


def alone(directory: Path, prompt: list[int], max_tokens: int, **more: Any) -> str:
    """Return what an engine that waits for every step answers."""
    one = bench(directory)
    one.submit("a", prompt, max_tokens, **more)
    return one.finish().texts["a"]


def test_the_host_never_names_a_token_that_the_device_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = flying(tmp_path, slots=3)
    told = Told(one.decoder, monkeypatch)
    one.submit("a", [5, 6, 7], 6)
    one.finish()
    tokens = [step[0] for step in told.steps]
    assert tokens == [[-1]] * 6  # of which the last is idle, and on its way when the end is seen
    assert [step[1] for step in told.steps] == [[3], [4], [5], [6], [7], [IDLE]]


def test_the_text_comes_a_step_after_it_was_asked_for(tmp_path: Path) -> None:
    one, other = flying(tmp_path, slots=3), bench(tmp_path)
    for engine in (one, other):
        engine.submit("a", [5, 6, 7], 6)
        engine.engine.step()
    assert (one.answers.texts, other.answers.texts != {}) == ({}, True)
    one.engine.step()
    assert one.answers.texts == other.answers.texts


def test_no_position_beyond_what_was_asked_for_is_ever_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = flying(tmp_path, slots=4)
    told = Told(one.decoder, monkeypatch)
    for number in range(9):
        one.submit(f"r{number}", [5] * (1 + number), 128 - 1 - number)
    one.finish()
    assert max(position for _, positions in told.steps for position in positions) == 126
    assert [tokens_of(one, f"r{number}") for number in range(9)] == list(range(127, 118, -1))


def test_a_token_that_the_shortlist_does_not_decide_is_made_good(tmp_path: Path) -> None:
    one = flying(tmp_path, slots=4)
    settings: dict[str, Any] = {"temperature": 30.0, "seed": 8}
    one.submit("hot", [5, 6], 40, **settings)
    one.submit("cold", [5, 7], 40)
    answers = one.finish()
    assert answers.texts["hot"] == alone(tmp_path, [5, 6], 40, **settings)
    assert answers.texts["cold"] == alone(tmp_path, [5, 7], 40)


def test_a_request_that_is_cancelled_in_flight_ends_at_once_and_its_slot_serves_another(
    tmp_path: Path,
) -> None:
    one = flying(tmp_path, slots=2)
    one.submit("a", [5, 6], 100)
    one.submit("b", [8, 9], 30)
    for _ in range(6):
        one.engine.step()
    one.engine.cancel("gateway", "a")
    one.submit("c", [9, 9, 9], 20)
    answers = one.finish()
    end = answers.ends["a"]
    assert isinstance(end, Finished)
    assert end.reason == "cancelled"
    assert answers.texts["b"] == alone(tmp_path, [8, 9], 30)
    assert answers.texts["c"] == alone(tmp_path, [9, 9, 9], 20)


def test_who_gives_way_in_flight_goes_on_where_it_was(tmp_path: Path) -> None:
    one = flying(tmp_path, slots=1, kept_slots=1)
    settings: dict[str, Any] = {"temperature": 1.0, "seed": 3, "tenant": "batch"}
    one.submit("late", [5, 6], 30, priority=2, **settings)
    for _ in range(8):
        one.engine.step()
    one.submit("now", [7, 8], 10, tenant="person")
    answers = one.finish()
    assert one.scheduler.preempted == 1
    assert answers.texts["late"] == alone(tmp_path, [5, 6], 30, **settings)
    assert answers.texts["now"] == alone(tmp_path, [7, 8], 10)


@pytest.mark.parametrize("offset", range(4))
def test_who_ends_before_a_step_that_waits_for_its_tokens_is_left_out_of_it(
    tmp_path: Path, offset: int
) -> None:
    one = flying(tmp_path, slots=3)
    one.submit("a", [5, 6], 60, temperature=1.0, seed=2, stop_token_ids=list(range(0, 500, 12)))
    for step in range(40):
        if step % 4 == offset:
            one.submit(f"shaped{step}", [8, step + 1], 1, logprobs=1)
        one.engine.step()
    answers = one.finish()
    stops = list(range(0, 500, 12))
    assert answers.texts["a"] == alone(
        tmp_path, [5, 6], 60, temperature=1.0, seed=2, stop_token_ids=stops
    )
    assert 2 < tokens_of(one, "a") < 30
    assert len(answers.ends) == 11


def test_bad_logits_end_their_request_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = flying(tmp_path, slots=3)
    right, steps = GraphDecoder.decode, []

    def decode(self: GraphDecoder, tokens: list[int], positions: list[int]) -> Tensor:
        logits = right(self, tokens, positions)
        steps.append(1)
        if len(steps) == 5:
            logits[0] = torch.nan
        return logits

    monkeypatch.setattr(GraphDecoder, "decode", decode)
    one.submit("bad", [5, 6], 60)
    one.submit("good", [8, 9], 40)
    answers = one.finish()
    end = answers.ends["bad"]
    assert isinstance(end, Failed)
    assert end.code == "bad_logits"
    assert answers.texts["good"] == alone(tmp_path, [8, 9], 40)


def test_a_step_that_fails_ends_what_was_in_it_and_the_next_request_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = flying(tmp_path, slots=2)
    one.submit("a", [5, 6], 60)
    for _ in range(4):
        one.engine.step()
    with monkeypatch.context() as broken:
        broken.setattr(one.decoder, "decode", lambda *_: [][0])
        one.engine.step()
    one.submit("b", [8, 9], 30)
    answers = one.finish()
    end = answers.ends["a"]
    assert isinstance(end, Failed)
    assert end.code == "internal"
    assert answers.texts["b"] == alone(tmp_path, [8, 9], 30)


def test_a_card_that_failed_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    one = flying(tmp_path, slots=2)
    monkeypatch.setattr(one.decoder, "prefill", fail)
    one.submit("a", [5, 6], 60)
    with pytest.raises(torch.AcceleratorError):
        one.engine.step()
