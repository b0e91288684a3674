"""What comes from a runner is cut into the same messages wherever its bytes are cut."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engine import wire

SAID = [
    wire.Hello(model="m", context_length=10, slots=2),
    wire.Accepted("a", 0),
    wire.Deltas([wire.Delta("a", "é" * 300, 3), wire.Delta("b", "", 1)]),
    wire.Finished("a", "stop", wire.Usage(1, 3), "!"),
]
BYTES = b"".join(map(wire.encode, SAID))


@given(st.lists(st.integers(0, len(BYTES)), max_size=20))
def test_every_message_comes_once_and_in_order(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(BYTES)]
    replies = wire.Replies()
    heard = [
        message for start, end in pairwise(places) for message in replies.feed(BYTES[start:end])
    ]
    assert heard == SAID


def test_a_message_is_there_with_its_last_byte_and_not_before() -> None:
    replies = wire.Replies()
    first = len(wire.encode(SAID[0]))
    assert list(replies.feed(BYTES[: first - 1])) == []
    assert list(replies.feed(BYTES[first - 1 : first])) == SAID[:1]


def test_a_frame_over_the_bound_is_refused_when_it_is_announced() -> None:
    with pytest.raises(wire.WireError, match="bound"):
        list(wire.Replies().feed(struct.pack(">I", wire.MAX_FRAME_BYTES + 1)))


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x81\xa4type\xa4nope", b"\x90"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(wire.WireError, match="not a message"):
        list(wire.Replies().feed(struct.pack(">I", len(body)) + body))


def test_what_came_before_it_is_heard() -> None:
    heard = wire.Replies().feed(BYTES + struct.pack(">I", 1) + b"\xc1")
    assert [next(heard) for _ in SAID] == SAID
    with pytest.raises(wire.WireError):
        next(heard)
