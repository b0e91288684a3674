"""Text comes out of ids one by one without half characters, and all of it comes out."""

from collections.abc import Sequence

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from inference.engine.text.detokenizer import Detokenizer
from inference.engine.text.tokenizer import Tokenizer
from tests.engine.text.small_tokenizers import byte_fallback, byte_level

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class _Measured(Tokenizer):
    """Remembers the most ids it was asked to decode at once."""

    most = 0

    def decode(self, ids: Sequence[int]) -> str:
        self.most = max(self.most, len(ids))
        return super().decode(ids)


def _tokenizer(backend: tokenizers.Tokenizer) -> _Measured:
    return _Measured(backend, named_tokens={}, eos_ids=frozenset({2}), chat_template=None)


_BYTE_LEVEL = _tokenizer(byte_level())
_BYTE_FALLBACK = _tokenizer(byte_fallback())
_BOTH = pytest.mark.parametrize("tokenizer", [_BYTE_LEVEL, _BYTE_FALLBACK])


def _pieces(tokenizer: Tokenizer, ids: Sequence[int]) -> list[str]:
    detokenizer = Detokenizer(tokenizer)
    return [*(detokenizer.push(token_id) for token_id in ids), detokenizer.flush()]


@_BOTH
@given(text=st.text(alphabet=st.characters(exclude_characters=_REPLACEMENT, codec="utf-8")))
def test_pieces_make_up_the_text_and_none_has_half_a_character(
    tokenizer: Tokenizer, text: str
) -> None:
    ids = tokenizer.encode(text)
    pieces = _pieces(tokenizer, ids)
    assert "".join(pieces) == tokenizer.decode(ids)
    assert _REPLACEMENT not in "".join(pieces)


@_BOTH
def test_a_character_of_several_tokens_comes_whole_with_its_last(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a🦊")
    pieces = [piece for piece in _pieces(tokenizer, ids) if piece]
    assert len(ids) > 3
    assert pieces == ["a", "🦊"]


@_BOTH
def test_a_text_that_ends_inside_a_character_ends_before_it(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a🦊")[:-1]
    assert "".join(_pieces(tokenizer, ids)) == "a"


def test_leading_spaces_stay_between_words() -> None:
    ids = _BYTE_FALLBACK.encode("a b c")
    assert "".join(_pieces(_BYTE_FALLBACK, ids)) == "a b c"


@_BOTH
def test_special_tokens_are_not_shown(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("abc")
    assert "".join(_pieces(tokenizer, [1, *ids, 2, 0])) == "abc"


def test_ids_outside_the_vocabulary_are_not_shown() -> None:
    ids = _BYTE_LEVEL.encode("fox")
    assert "".join(_pieces(_BYTE_LEVEL, [10_000, *ids, 99_999])) == "fox"


@given(ids=st.lists(st.integers(3, 319), max_size=80))
def test_broken_bytes_come_as_the_whole_decoded_text_has_them(ids: list[int]) -> None:
    shown = "".join(_pieces(_BYTE_LEVEL, ids))
    assert shown.rstrip(_REPLACEMENT) == _BYTE_LEVEL.decode(ids).rstrip(_REPLACEMENT)


@_BOTH
def test_broken_bytes_without_end_are_shown_and_not_collected(tokenizer: _Measured) -> None:
    name = "<0x80>" if tokenizer is _BYTE_FALLBACK else "Ģ"
    (continuation_byte,) = (
        token_id
        for token_id in range(tokenizer.vocabulary_size)
        if tokenizer._backend.id_to_token(token_id) == name
    )
    tokenizer.most = 0
    pieces = _pieces(tokenizer, [continuation_byte] * 500)
    assert 450 < len("".join(pieces)) <= 500
    assert tokenizer.most <= 16


def test_a_long_text_is_never_decoded_again() -> None:
    ids = _BYTE_LEVEL.encode("the quick brown fox 你好 🙂 " * 400)
    _BYTE_LEVEL.most = 0
    _pieces(_BYTE_LEVEL, ids)
    assert len(ids) > 2000
    assert _BYTE_LEVEL.most <= 16
