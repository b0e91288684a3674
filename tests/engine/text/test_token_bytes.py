"""A single token's bytes are what it adds to a text, also where they are half a character."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers

from inference.engine.text.token_bytes import TokenBytes
from inference.engine.text.tokenizer import Tokenizer
from tests.engine.text.small_tokenizers import byte_fallback, byte_level, write_directory


def loaded(directory: Path, backend: tokenizers.Tokenizer) -> Tokenizer:
    write_directory(directory, backend)
    return Tokenizer.load(directory)


TEXTS = ["a bad  face", "größe", "你好 🙂🙂", "\x00\n\t~", "\N{REPLACEMENT CHARACTER}"]
KINDS = pytest.mark.parametrize("make", [byte_level, byte_fallback])


@KINDS
@pytest.mark.parametrize(
    "text", ["a bad  face", "größe", "你好 🙂🙂", "\x00\n\t~", "\N{REPLACEMENT CHARACTER}"]
)
def test_the_bytes_of_a_texts_tokens_are_the_texts(
    tmp_path: Path, make: Callable[[], tokenizers.Tokenizer], text: str
) -> None:
    tokenizer = loaded(tmp_path, make())
    tokens = TokenBytes(tokenizer)
    joined = b"".join(tokens.of(token) for token in tokenizer.encode(text))
    assert joined.decode().strip() == text.strip()


@KINDS
def test_a_token_that_is_half_a_character_is_its_bytes(
    tmp_path: Path, make: Callable[[], tokenizers.Tokenizer]
) -> None:
    tokenizer = loaded(tmp_path, make())
    tokens = TokenBytes(tokenizer)
    parts = [tokens.of(token) for token in tokenizer.encode("é")]
    assert b"\xc3" in parts
    assert b"\xa9" in parts


@KINDS
def test_a_special_token_is_its_name_and_an_unknown_one_is_nothing(
    tmp_path: Path, make: Callable[[], tokenizers.Tokenizer]
) -> None:
    tokenizer = loaded(tmp_path, make())
    special = min(tokenizer.special_ids)
    tokens = TokenBytes(tokenizer)
    assert tokens.of(special).decode() == tokenizer.name_of(special)
    assert tokens.of(tokenizer.vocabulary_size + 5) == b""
