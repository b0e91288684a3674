"""A client that takes nothing of its answer is hung up on; one that is merely slow is not."""

import asyncio
import contextlib
import json
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from tests.api.doors import CHAT, DOORS, GenerationDoor
from tests.canned_runner import Script
from tests.live_cast import MAX_OUTPUT_TOKENS
from tests.live_web import LiveWeb, StartWeb, until

STALL_S: Final = 2
# More text than all buffers between the runner and the client hold.
LONG: Final = Script(tokens=100_000, interval_s=0.05, word="x" * 1_000_000)


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(STREAM_STALL_S=str(STALL_S)) as one:
        yield one


@contextlib.asynccontextmanager
async def asked(
    web: LiveWeb, door: GenerationDoor, model: str, *headers: str
) -> AsyncIterator[socket.socket]:
    """Ask for a stream and yield the socket, of which nothing is read."""
    body = json.dumps(
        door.asking(model=model, stream=True, **{door.max_tokens_field: MAX_OUTPUT_TOKENS})
    )
    key = f"Authorization: Bearer {web.keys['ada']}"
    head = [f"POST {door.address} HTTP/1.1", "Host: localhost", key, *headers]
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        await asyncio.to_thread(connection.connect, ("127.0.0.1", web.port))
        connection.sendall("\r\n".join([*head, "", body]).encode())
        yield connection


def stalls(web: LiveWeb) -> int:
    return sum(line["event"] == "client_stalled" for line in web.log_lines())


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_one_that_reads_nothing_is_hung_up_on_and_settled(
    web: LiveWeb, door: GenerationDoor
) -> None:
    before = stalls(web)
    async with web.runner(LONG) as runner, asked(web, door, runner.model) as connection:
        await until(lambda: runner.counters.accepted == 1, "it began")
        began = time.monotonic()
        await until(lambda: runner.running == 0, "the runner is free", seconds=STALL_S * 5)
        assert time.monotonic() - began >= STALL_S / 2
        await until(lambda: web.rows("model_name = ?", runner.model), "the row")
        (row,) = web.rows("model_name = ?", runner.model)
        assert row["status"] == "cancelled"
        assert row["completion_tokens"] == runner.counters.tokens > 0
        assert await asyncio.to_thread(is_cut, connection)
    await until(lambda: not web.leases(), "its place is free")
    assert stalls(web) == before + 1


def is_cut(connection: socket.socket) -> bool:
    """Read what lies here already; return whether the connection ends without an end."""
    read = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 20):
            read += part
    return not read.endswith(b"0\r\n\r\n")


async def test_one_that_reads_slowly_gets_everything(web: LiveWeb) -> None:
    # A piece that it reads for longer than a client may stand still.
    script = Script(tokens=2, word="x" * 4_000_000)
    before = stalls(web)
    async with web.runner(script) as runner, asked(web, CHAT, runner.model) as connection:
        began, read = time.monotonic(), b""
        while not read.endswith(b"0\r\n\r\n"):
            part = await asyncio.to_thread(connection.recv, 65_536)
            assert part, "cut off"
            read += part
            slow = time.monotonic() - began < STALL_S * 3
            await asyncio.sleep(0.03 * slow)
        assert time.monotonic() - began > STALL_S * 3
        assert read.count(b"x" * 1000) >= 8000 - 100
        await until(lambda: web.rows("model_name = ?", runner.model), "the row")
        assert web.rows("model_name = ?", runner.model)[0]["status"] == "completed"
    assert stalls(web) == before


async def test_a_resumable_one_goes_on_for_its_window_and_is_had_elsewhere(web: LiveWeb) -> None:
    script = Script(tokens=8, interval_s=0.05, word="x" * 1_000_000)
    async with (
        web.runner(script) as runner,
        asked(web, CHAT, runner.model, "X-Resumable: true"),
        web.async_client() as client,
    ):
        await until(lambda: web.rows("model_name = ?", runner.model), "it went on to its end")
        (row,) = web.rows("model_name = ?", runner.model)
        assert row["status"] == "completed"
        answer = await client.get(f"/v1/streams/{uuid.UUID(row['id'])}")
        assert answer.text.count("x" * 1_000_000) == 8
        assert answer.text.endswith("data: [DONE]\n\n")


async def test_a_client_that_stalls_on_the_last_events_holds_nothing(web: LiveWeb) -> None:
    script = Script(tokens=1, word="x" * 8_000_000)
    before = stalls(web)
    async with web.runner(script) as runner, asked(web, CHAT, runner.model):
        await until(lambda: stalls(web) == before + 1, "it is hung up on")
        await until(lambda: web.metric("aiplatform_generations_open") == 0, "no generation open")
        assert not web.leases()
