"""A request's text does not depend on who else is in the batch, nor on who leaves it."""

from pathlib import Path

import pytest
import torch

from inference.engine.wire import Deltas, Failed, Finished
from tests.engine.batches import Bench, bench


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def prompt(number: int, length: int | None = None) -> list[int]:
    source = torch.Generator().manual_seed(number)
    count = length or 3 + number * 5 % 40
    return torch.randint(0, 500, (count,), generator=source).tolist()


def alone(directory: Path, number: int, **more: object) -> str:
    one = bench(directory)
    one.submit("x", prompt(number), 20, **more)
    return one.finish().texts["x"]


def test_greedy_text_is_the_same_alone_and_among_32_others(tmp_path: Path) -> None:
    crowd = bench(tmp_path, slots=33)
    for number in range(33):
        crowd.submit(f"r{number}", prompt(number), 10 + number % 12)
    crowd.submit("last", prompt(5), 20)
    texts = crowd.finish().texts
    assert texts["last"] == alone(tmp_path, 5)
    assert texts["last"].startswith(texts["r5"])


def test_the_same_seed_gives_the_same_text_alone_and_among_32_others(tmp_path: Path) -> None:
    crowd = bench(tmp_path, slots=33)
    for number in range(32):
        crowd.submit(f"r{number}", prompt(number), 20, temperature=1.3, seed=number)
    crowd.submit("mine", prompt(7), 20, temperature=0.9, top_p=0.9, seed=77)
    texts = crowd.finish().texts
    assert texts["mine"] == alone(tmp_path, 7, temperature=0.9, top_p=0.9, seed=77)
    assert texts["mine"] != alone(tmp_path, 7, temperature=0.9, top_p=0.9, seed=78)


def test_without_a_seed_two_runs_differ(tmp_path: Path) -> None:
    two = bench(tmp_path)
    two.submit("a", prompt(3), 30, temperature=2.0)
    two.submit("b", prompt(3), 30, temperature=2.0)
    texts = two.finish().texts
    assert texts["a"] != texts["b"]


@pytest.mark.parametrize("leaver", ["r0", "r1", "r2"])
def test_a_half_written_prompt_survives_a_slot_becoming_free(tmp_path: Path, leaver: str) -> None:
    crowd = bench(tmp_path, slots=4, prefill_budget=16)
    for number in range(3):
        crowd.submit(f"r{number}", prompt(number, 5), 40)
    crowd.engine.step()
    crowd.submit("long", prompt(9, 60), 20)
    crowd.engine.step()  # 16 of its 60 tokens are in the cache
    crowd.engine.cancel("gateway", leaver)
    texts = crowd.finish().texts
    expected = bench(tmp_path)
    expected.submit("long", prompt(9, 60), 20)
    for number in range(3):
        expected.finish()
        expected.submit(f"r{number}", prompt(number, 5), 40)
    wanted = expected.finish().texts
    assert texts["long"] == wanted["long"]
    assert all(texts[r] == wanted[r] for r in ("r0", "r1", "r2") if r != leaver)
    assert wanted[leaver].startswith(texts[leaver])


def test_the_half_written_prompt_itself_can_be_cancelled(tmp_path: Path) -> None:
    crowd = bench(tmp_path)
    crowd.submit("runs", prompt(1), 30)
    crowd.engine.step()
    crowd.submit("long", prompt(9, 60), 20)
    crowd.engine.step()
    crowd.engine.cancel("gateway", "long")
    crowd.submit("next", prompt(7), 20)
    answers = crowd.finish()
    end = answers.ends["long"]
    assert isinstance(end, Finished)
    assert (end.reason, end.usage.completion_tokens) == ("cancelled", 0)
    assert answers.texts["next"] == alone(tmp_path, 7)


def test_a_cancelled_request_gives_its_slot_to_the_next(tmp_path: Path) -> None:
    full = bench(tmp_path, slots=1)
    full.submit("first", prompt(1), 100)
    full.submit("second", prompt(7), 20)
    full.engine.step()
    assert (full.scheduler.running, full.scheduler.waiting) == (1, 1)
    full.engine.cancel("gateway", "first")
    full.engine.step()
    assert (full.scheduler.running, full.scheduler.waiting) == (1, 0)
    answers = full.finish()
    assert answers.texts["second"] == alone(tmp_path, 7)
    cancelled = answers.ends["first"]
    assert isinstance(cancelled, Finished)
    assert cancelled.reason == "cancelled"
    assert cancelled.usage.completion_tokens == 1


def test_many_requests_on_few_slots_all_give_what_they_give_alone(tmp_path: Path) -> None:
    few = bench(tmp_path, slots=3, prefill_budget=11)
    for number in range(12):
        few.submit(f"r{number}", prompt(number), 4 + number * 7 % 17)
    texts = few.finish().texts
    for number in range(12):
        assert alone(tmp_path, number).startswith(texts[f"r{number}"]), number


def test_one_step_makes_one_frame_of_deltas_for_a_connection(tmp_path: Path) -> None:
    crowd = bench(tmp_path, prefill_budget=100)
    for number in range(3):
        crowd.submit(f"r{number}", prompt(number), 10)
    crowd.engine.step()
    crowd.answers.frames.clear()
    crowd.engine.step()
    (frame,) = [message for _, message in crowd.answers.frames]
    assert isinstance(frame, Deltas)
    assert [delta.request_id for delta in frame.items] == ["r0", "r1", "r2"]


def _poison(crowd: Bench, slot: int) -> None:
    original = crowd.decoder.decode

    def decode(tokens: list[int], positions: list[int]) -> torch.Tensor:
        logits = original(tokens, positions)
        logits[slot, 3] = torch.nan
        return logits

    crowd.decoder.decode = decode  # type: ignore[method-assign]


def test_a_request_whose_logits_are_not_numbers_fails_and_the_others_go_on(tmp_path: Path) -> None:
    crowd = bench(tmp_path)
    crowd.submit("bad", prompt(1), 20)
    crowd.submit("good", prompt(7), 20)
    crowd.engine.step()
    crowd.engine.step()
    original = crowd.decoder.decode
    _poison(crowd, 0)
    crowd.engine.step()
    crowd.decoder.decode = original  # type: ignore[method-assign]
    answers = crowd.finish()
    failed = answers.ends["bad"]
    assert isinstance(failed, Failed)
    assert failed.code == "bad_logits"
    assert answers.texts["good"] == alone(tmp_path, 7)


def test_a_step_that_raises_fails_its_requests_and_the_engine_goes_on(tmp_path: Path) -> None:
    crowd = bench(tmp_path)
    crowd.submit("unlucky", prompt(1), 20)
    crowd.engine.step()
    original = crowd.decoder.decode

    def broken(tokens: list[int], positions: list[int]) -> torch.Tensor:
        raise RuntimeError("secret detail")

    crowd.decoder.decode = broken  # type: ignore[method-assign]
    crowd.engine.step()
    crowd.decoder.decode = original  # type: ignore[method-assign]
    crowd.submit("next", prompt(7), 20)
    answers = crowd.finish()
    failed = answers.ends["unlucky"]
    assert isinstance(failed, Failed)
    assert failed.code == "internal"
    assert "secret" not in failed.detail
    assert "secret detail" in crowd.log.getvalue()
    assert answers.texts["next"] == alone(tmp_path, 7)
