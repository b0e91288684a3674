"""The load: it counts right answers and refuses to count anything else."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from benchmarks.load import Load, WrongAnswerError, measured, run
from benchmarks.process import await_answer, free_port, running

COMPLETION = b'{"choices":[{"message":{"content":"word"}}]}'

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], "asyncio.Future[None]"]


def _load(port: int, concurrency: int = 3) -> Load:
    return Load(port, "key", "mock", concurrency, seconds=0.3, warm_up_s=0.1)


class Server:
    """Answers every request on a real socket with the same bytes."""

    def __init__(self, answer: bytes, *, hang_up: bool = False) -> None:
        self._answer = answer
        self._hang_up = hang_up
        self.asked: list[bytes] = []

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *raised: object) -> None:
        self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.asked.append(head + await reader.readexactly(length))
                writer.write(self._answer)
                if self._hang_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the load is over
        writer.close()


def _answer(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


async def _fault_of(server: AbstractAsyncContextManager[int]) -> str:
    async with server as port:
        with pytest.raises(WrongAnswerError) as raised:
            await run(_load(port))
    return str(raised.value)


async def test_answers_are_counted_and_the_key_and_model_are_sent() -> None:
    server = Server(_answer(COMPLETION))
    async with server as port:
        measurement = await run(_load(port))
    assert 0 < measurement.requests <= len(server.asked)
    assert measurement.rps == pytest.approx(measurement.requests / 0.3)
    assert b"Authorization: Bearer key\r\n" in server.asked[0]
    assert b'"model":"mock"' in server.asked[0]


async def test_an_answer_in_chunks_counts_like_any_other() -> None:
    chunks = b"a\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        COMPLETION[:10],
        len(COMPLETION) - 10,
        COMPLETION[10:],
    )
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with Server(head + chunks) as port:
        assert (await run(_load(port))).requests > 0


async def test_the_warm_up_is_not_counted() -> None:
    server = Server(_answer(COMPLETION))
    async with server as port:
        load = Load(port, "key", "mock", 1, seconds=0.1, warm_up_s=0.4)
        measurement = await run(load)
    assert measurement.requests < len(server.asked) / 2


async def test_an_error_status_ends_the_load_with_what_was_answered() -> None:
    fault = await _fault_of(Server(_answer(b"slow down", "429 Too Many Requests")))
    assert fault == "status 429: slow down"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"choices":[]}', b'{"choices":[{"message":{"content":""}}]}', COMPLETION[:-1]],
)
async def test_an_answer_without_text_is_refused(body: bytes) -> None:
    assert await _fault_of(Server(_answer(body)))


async def test_a_server_that_hangs_up_is_refused() -> None:
    assert await _fault_of(Server(_answer(COMPLETION), hang_up=True)) == "the server hung up"


async def test_something_that_is_not_http_is_refused() -> None:
    assert "no HTTP answer" in await _fault_of(Server(b"220 mail.example ESMTP\r\n"))


def test_the_mock_answers_the_load_from_a_process_of_its_own(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "mock.log"
    command = [sys.executable, "-m", "uvicorn", "benchmarks.mock_openai:application"]
    with running([*command, "--port", str(port), "--lifespan", "off"], log) as process:
        await_answer(process, f"http://127.0.0.1:{port}/", log, seconds=30)
        measurement = measured(_load(port))
    assert measurement.p50_ms >= 20
    assert process.returncode is not None


def test_nobody_listening_is_an_error_that_says_so() -> None:
    with pytest.raises(WrongAnswerError, match="refused"):
        measured(_load(free_port()))
