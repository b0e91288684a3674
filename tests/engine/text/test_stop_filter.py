"""Stop strings end a text, are never shown, and hold back no more than they must."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engine.text.stop import StopFilter

_LETTERS = st.text(alphabet="ab", max_size=30)
_STOPS = st.lists(st.text(alphabet="ab", min_size=1, max_size=5), max_size=4)
_CHUNKS = st.lists(st.text(alphabet="ab", max_size=6), max_size=12)


def _cut(text: str, stops: list[str]) -> tuple[str, bool]:
    """The definition: look at the whole text again after each character."""
    for end in range(1, len(text) + 1):
        if ends := [stop for stop in stops if text[:end].endswith(stop)]:
            return text[: end - max(map(len, ends))], True
    return text, False


def _filtered(chunks: list[str], stops: list[str]) -> tuple[str, bool]:
    stop_filter = StopFilter(stops)
    shown = ""
    for chunk in chunks:
        new, stopped = stop_filter.push(chunk)
        shown += new
        if stopped:
            return shown + stop_filter.flush(), True
    return shown + stop_filter.flush(), False


@given(_CHUNKS, _STOPS)
def test_however_a_text_is_cut_into_pieces_the_result_is_the_same(
    chunks: list[str], stops: list[str]
) -> None:
    assert _filtered(chunks, stops) == _cut("".join(chunks), stops)


@given(_CHUNKS, st.text(alphabet="ab", min_size=1, max_size=4))
def test_one_stop_string_cuts_where_the_whole_text_would_be_cut(
    chunks: list[str], stop: str
) -> None:
    assert _filtered(chunks, [stop])[0] == "".join(chunks).partition(stop)[0]


@given(_LETTERS, _STOPS)
def test_only_what_may_begin_a_stop_string_is_held_back(text: str, stops: list[str]) -> None:
    shown, stopped = StopFilter(stops).push(text)
    if not stopped:
        held = [
            size
            for size in range(len(text) + 1)
            if any(stop.startswith(text[len(text) - size :]) for stop in stops)
        ]
        assert shown == text[: len(text) - max(held, default=0)]


def test_a_stop_string_split_over_two_tokens_is_never_shown() -> None:
    stop_filter = StopFilter(["</answer>"])
    assert stop_filter.push("Paris</ans") == ("Paris", False)
    assert stop_filter.push("wer> and more") == ("", True)
    assert stop_filter.push("even more") == ("", True)
    assert stop_filter.flush() == ""


def test_a_beginning_that_goes_on_otherwise_is_shown() -> None:
    stop_filter = StopFilter(["STOP"])
    assert stop_filter.push("a ST") == ("a ", False)
    assert stop_filter.push("RONG b") == ("STRONG b", False)


def test_a_beginning_at_the_end_of_the_text_is_shown() -> None:
    stop_filter = StopFilter(["STOP"])
    assert stop_filter.push("a STO") == ("a ", False)
    assert stop_filter.flush() == "STO"


def test_the_longest_of_those_that_end_together_wins() -> None:
    assert StopFilter(["b", "ab"]).push("xab") == ("x", True)


def test_without_stop_strings_everything_passes() -> None:
    assert StopFilter([]).push("anything") == ("anything", False)


def test_an_empty_stop_string_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        StopFilter(["a", ""])


def test_the_time_is_linear_for_a_text_that_almost_matches_everywhere() -> None:
    def seconds(length: int) -> float:
        stop_filter = StopFilter(["a" * 4000 + "b"])
        began = time.process_time()
        for _ in range(length // 100):
            stop_filter.push("a" * 100)
        return time.process_time() - began

    # A filter that looks again at what it holds would need 4,000 times the steps: minutes.
    assert seconds(100_000) < 10
