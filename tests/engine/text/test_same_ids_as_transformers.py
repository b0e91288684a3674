"""The torch-free tokenizer gives the ids that transformers gives for the same files."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from inference.engine.text.tokenizer import Tokenizer
from tests.default_model import default_model_directory
from tests.engine.text.small_tokenizers import byte_fallback, byte_level, write_directory

_TEXTS = ["", "the fox", "  two  spaces\n\ttab", "größer 你好 🙂", "<|im_start|>user", "a" * 5000]
_CHATS: list[list[dict[str, Any]]] = [
    [{"role": "user", "content": "What is the capital of France?"}],
    [
        {"role": "system", "content": "Be brief. "},
        {"role": "user", "content": "你好 🙂"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "And <|im_end|> now?\n"},
    ],
    [{"role": "user", "content": ""}],
]


@pytest.fixture(params=["byte level", "byte level with bos", "byte fallback", "SmolLM2"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    match request.param:
        case "byte level":
            return write_directory(tmp_path, byte_level())
        case "byte level with bos":
            return write_directory(tmp_path, byte_level(), adds_bos=True)
        case "byte fallback":
            return write_directory(tmp_path, byte_fallback(), adds_bos=True)
    return default_model_directory()


def test_a_prompt_has_the_ids_transformers_gives_it(directory: Path) -> None:
    ours, theirs = Tokenizer.load(directory), AutoTokenizer.from_pretrained(directory)
    for text in _TEXTS:
        assert ours.encode(text) == theirs(text)["input_ids"]


def test_a_conversation_has_the_ids_transformers_gives_it(directory: Path) -> None:
    ours, theirs = Tokenizer.load(directory), AutoTokenizer.from_pretrained(directory)
    for messages in _CHATS:
        wanted: Any = theirs.apply_chat_template(messages, add_generation_prompt=True)
        assert ours.encode_chat(messages) == wanted["input_ids"]


def test_ids_become_the_text_transformers_makes_of_them(directory: Path) -> None:
    ours, theirs = Tokenizer.load(directory), AutoTokenizer.from_pretrained(directory)
    for messages in _CHATS:
        ids = ours.encode_chat(messages)
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)
