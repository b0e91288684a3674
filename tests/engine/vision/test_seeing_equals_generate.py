"""What is said of pictures is what transformers' own processor and `generate` make of them."""

from pathlib import Path

import pytest
import torch

from inference.engine import engine as engine_module
from inference.engine.wire import Failed, Finished
from tests.engine.vision.looking import asked, looking, picture
from tests.hostile_images import png
from tests.kinds import tiny_vision
from tests.kinds.vision_reference import said

NEW_TOKENS = 16


@pytest.fixture(scope="module", params=list(tiny_vision.FAMILIES))
def directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vision.save(request.param, tmp_path_factory.mktemp(request.param))


def test_beside_each_other_and_in_chunks_each_says_what_generate_says(directory: Path) -> None:
    engine = looking(directory)
    assert engine.statistics.tier == "A"
    questions = {
        "one": (asked("what is this"), [picture(1)]),
        "another": (asked("what is this"), [picture(2, (40, 120), "WEBP")]),
        "two": (asked("which is larger", 2), [picture(3), picture(1)]),
        "none": (asked("just a text", 0), []),
    }
    for name, (messages, pictures) in questions.items():
        engine.ask(name, messages, pictures, NEW_TOKENS)
    engine.finish()
    texts = set()
    for name, (messages, pictures) in questions.items():
        reference = said(directory, messages, pictures, NEW_TOKENS)
        assert engine.tokenizer.encode_chat(messages) == reference["prompt"], name
        end = engine.ends[name]
        assert isinstance(end, Finished), end
        assert end.usage.prompt_tokens == len(reference["prompt"])
        assert engine.texts[name] == reference["text"], name
        texts.add(reference["text"])
    assert len(texts) == len(questions), "what is seen makes a difference"


@pytest.fixture(scope="module")
def idefics3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vision.save("idefics3", tmp_path_factory.mktemp("only"))


def test_what_was_read_is_used_again_for_the_same_picture_alone(idefics3: Path) -> None:
    engine = looking(idefics3)
    question = asked("what is this")
    for name, shown, tenant in (
        ("first", 1, "ada"),
        ("same", 1, "ada"),
        ("other", 2, "ada"),
        ("hers", 1, "eve"),
    ):
        engine.ask(name, question, [picture(shown)], NEW_TOKENS, tenant=tenant)
        engine.finish()
    cached = {name: _finished(end).usage.cached_tokens for name, end in engine.ends.items()}
    prompt = engine.tokenizer.encode_chat(question)
    assert cached["same"] == len(prompt) - 1
    before = prompt.index(tiny_vision.IMAGE)
    assert cached["other"] == before, "what stands before the picture, and nothing of it"
    assert cached["hers"] == 0
    assert engine.texts["same"] == engine.texts["first"] == engine.texts["hers"]
    expected = said(idefics3, question, [picture(2)], NEW_TOKENS)["text"]
    assert engine.texts["other"] == expected


def test_a_picture_that_cannot_be_unpacked_fails_its_own_request(idefics3: Path) -> None:
    engine = looking(idefics3)
    broken = png((b"IDAT", b"not packed"))
    engine.ask("sound", asked("what is this"), [picture(1)], NEW_TOKENS)
    engine.ask("broken", asked("a longer text before", 2), [picture(2), broken], NEW_TOKENS)
    engine.ask("later", asked("what is that"), [picture(3)], NEW_TOKENS)
    engine.finish()
    failed = engine.ends["broken"]
    assert isinstance(failed, Failed)
    assert failed.code == "invalid_image"
    for name, seed, text in (("sound", 1, "what is this"), ("later", 3, "what is that")):
        expected = said(idefics3, asked(text), [picture(seed)], NEW_TOKENS)["text"]
        assert engine.texts[name] == expected


def test_a_prompt_must_have_room_for_its_pictures(idefics3: Path) -> None:
    engine = looking(idefics3)
    engine.ask("too many", asked("hello", 2), [picture(1)], 4)
    engine.ask("too few", asked("hello", 0), [picture(1)], 4)
    engine.finish()
    assert {_failed(end).code for end in engine.ends.values()} == {"invalid_prompt"}


def test_files_wait_within_a_bound_and_are_let_go_once_they_are_seen(
    idefics3: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = looking(idefics3)
    monkeypatch.setattr(engine_module, "MAX_PICTURE_BYTES", int(1.5 * len(picture(1))))
    engine.ask("first", asked("what is this"), [picture(1)], NEW_TOKENS)
    engine.ask("second", asked("what is this"), [picture(2)], NEW_TOKENS)
    engine.finish()
    engine.ask("third", asked("what is this"), [picture(2)], NEW_TOKENS)
    engine.finish()
    assert _failed(engine.ends["second"]).code == "queue_full"
    assert _finished(engine.ends["third"]).reason in {"stop", "length"}


def test_one_that_gave_its_slot_away_goes_on_as_if_it_had_not(idefics3: Path) -> None:
    engine = looking(idefics3, slots=1)
    engine.ask("job", asked("what is this"), [picture(1)], 60, priority=1, ignore_eos=True)
    with torch.inference_mode():
        for _ in range(12):
            engine.engine.step()
    engine.ask("interactive", asked("what is that"), [picture(2)], 4, tenant="eve")
    engine.finish()
    assert engine.statistics.preempted == 1
    alone = looking(idefics3, slots=1)
    alone.ask("job", asked("what is this"), [picture(1)], 60, priority=1, ignore_eos=True)
    alone.finish()
    assert engine.texts["job"] == alone.texts["job"]


def _finished(end: Finished | Failed) -> Finished:
    assert isinstance(end, Finished), end
    return end


def _failed(end: Finished | Failed) -> Failed:
    assert isinstance(end, Failed), end
    return end
