"""The streaming client against a real socket that says what it is told to."""

import asyncio
import json
from collections.abc import Callable

import pytest

from benchmarks.chat_stream import ChatServer
from benchmarks.load import WrongAnswerError
from benchmarks.serving.client import Figures, run
from benchmarks.serving.loads import Load

LOAD = Load("independent", 2, tokens=3, words=5, conversations=2, seed=0)


def event(**fields: object) -> bytes:
    return f"data: {json.dumps(fields)}\n\n".encode()


def text(piece: str) -> bytes:
    return event(choices=[{"delta": {"content": piece}}])


def usage(tokens: int) -> bytes:
    return event(choices=[], usage={"completion_tokens": tokens})


OK = b"HTTP/1.1 200 OK\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def play(answer: Callable[[], list[bytes]]) -> Figures:
    """Play LOAD against a server that answers every request with these pieces."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        for piece in answer():
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def played() -> Figures:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await run(ChatServer("it", port, "m"), LOAD)

    return asyncio.run(played())


def test_tokens_and_times_of_all_callers_are_counted() -> None:
    figures = play(lambda: [OK, text("a"), text("b"), text("c"), usage(3), DONE])
    assert 0 < figures.ttft_p50 <= figures.ttft_p99
    assert figures.tokens_per_s > 0


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([OK, text("a"), text("b"), usage(2), DONE], "2 tokens instead of 3"),
        ([b"HTTP/1.1 429 Too Many\r\n\r\nwait"], "refused"),
        ([OK, text("a"), event(error="gone")], "in mid answer"),
        ([OK, usage(3), DONE], "without any text"),
    ],
)
def test_an_answer_that_is_not_the_work_asked_for_ends_the_measurement(
    pieces: list[bytes], said: str
) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        play(lambda: pieces)
    first = caught.value.exceptions[0]
    assert isinstance(first, WrongAnswerError)
    assert said in str(first)
