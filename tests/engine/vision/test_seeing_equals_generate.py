"""What is said of pictures is what transformers' own processor and `generate` make of them."""

from pathlib import Path

import pytest

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


def _finished(end: Finished | Failed) -> Finished:
    assert isinstance(end, Finished), end
    return end


def _failed(end: Finished | Failed) -> Failed:
    assert isinstance(end, Failed), end
    return end
