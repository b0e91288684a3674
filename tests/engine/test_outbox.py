"""What waits for a slow socket stays small and in order."""

import asyncio

import pytest

from inference.engine.outbox import LOGPROB_BYTES, MAX_PENDING_BYTES, Outbox, OutboxFullError
from inference.engine.wire import (
    Accepted,
    Delta,
    Deltas,
    Finished,
    FromRunner,
    TokenLogprob,
    Usage,
    read_reply,
)


async def sent(outbox: Outbox) -> list[FromRunner]:
    reader = asyncio.StreamReader()
    reader.feed_data(await outbox.take())
    reader.feed_eof()
    messages = []
    while not reader.at_eof():
        messages.append(await read_reply(reader))
    return messages


async def test_deltas_of_many_steps_coalesce_by_request() -> None:
    outbox = Outbox()
    for text in "abc":
        outbox.put(Deltas([Delta("x", text, 1), Delta("y", text.upper(), 1)]))
    assert await sent(outbox) == [Deltas([Delta("x", "abc", 3), Delta("y", "ABC", 3)])]


async def test_logprobs_coalesce_in_order_and_count() -> None:
    outbox = Outbox()
    one, two = TokenLogprob(b"a", -1.0, [(b"b", -0.5)]), TokenLogprob(b"\xc3", -2.0)
    outbox.put(Deltas([Delta("x", "", 1, [one])]))
    outbox.put(Deltas([Delta("x", "a", 2, [two])]))
    assert await sent(outbox) == [Deltas([Delta("x", "a", 3, [one, two])])]
    many = [one] * (MAX_PENDING_BYTES // (2 * LOGPROB_BYTES) + 1)
    with pytest.raises(OutboxFullError):
        outbox.put(Deltas([Delta("x", "", 1, many)]))


async def test_a_request_s_text_comes_before_its_end_and_after_its_acceptance() -> None:
    outbox = Outbox()
    end = Finished("x", "stop", Usage(1, 1))
    for message in (Accepted("x", 0), Deltas([Delta("x", "a", 1)]), end, Accepted("y", 0)):
        outbox.put(message)
    outbox.put(Deltas([Delta("y", "b", 1)]))
    assert await sent(outbox) == [
        Accepted("x", 0),
        Deltas([Delta("x", "a", 1)]),
        end,
        Accepted("y", 0),
        Deltas([Delta("y", "b", 1)]),
    ]


async def test_it_fills_up_and_is_empty_again_when_taken() -> None:
    outbox = Outbox()
    half = "a" * (MAX_PENDING_BYTES // 2)
    outbox.put(Deltas([Delta("x", half, 1)]))
    assert len(await outbox.take()) > len(half)
    outbox.put(Deltas([Delta("x", half, 1)]))
    with pytest.raises(OutboxFullError):
        outbox.put(Deltas([Delta("x", half, 1)]))


async def test_a_closed_outbox_gives_what_is_left_and_then_nothing() -> None:
    outbox = Outbox()
    outbox.put(Accepted("x", 0))
    outbox.close()
    assert await sent(outbox) == [Accepted("x", 0)]
    assert await outbox.take() == b""
