"""What an API key looks like."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import key_format

KEY = key_format.to_text(key_format.KeyParts("A" * 12, "b" * 32))


def test_a_key_is_taken_apart_into_what_it_was_made_of() -> None:
    parts = key_format.new_parts()
    assert key_format.parse(key_format.to_text(parts)) == parts


def test_no_two_keys_are_alike() -> None:
    assert len({key_format.new_parts() for _ in range(1000)}) == 1000


def test_a_key_has_a_prefix_that_scanners_can_recognise() -> None:
    assert KEY.startswith("aip_AAAAAAAAAAAA_")
    assert len(KEY) == key_format.MAX_LENGTH


@pytest.mark.parametrize("position", range(len(KEY)))
def test_a_single_mistyped_character_is_told_by_the_checksum(position: int) -> None:
    for wrong in string.ascii_letters + string.digits:
        if wrong != KEY[position]:
            assert key_format.parse(KEY[:position] + wrong + KEY[position + 1 :]) is None


@pytest.mark.parametrize("text", ["", KEY[:-1], KEY + "a", KEY + "\n", KEY.upper(), " " + KEY])
def test_what_only_resembles_a_key_is_none(text: str) -> None:
    assert key_format.parse(text) is None


@given(st.text(st.characters(), max_size=80))
def test_any_text_at_all_is_parsed_without_an_error(text: str) -> None:
    assert key_format.parse(text) is None


def test_digits_of_other_scripts_are_no_digits() -> None:
    assert key_format.parse(KEY.replace("A", "٣")) is None


def test_the_digest_depends_on_secret_and_pepper() -> None:
    digests = {key_format.digest(s, p) for s in ("one", "two") for p in ("salt", "pepper")}
    assert len(digests) == 4
    assert all(len(digest) == 64 for digest in digests)
