"""The runner as a process: over its real socket, with real signals."""

import asyncio
import json
import os
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from inference.engine.wire import VERSION, Accepted, Cancel, Failed, Finished, Hello, encode
from tests.engine import tiny_models
from tests.engine.gateways import (
    PATIENCE,
    ROOT,
    Gateway,
    command,
    connect,
    greet,
    running,
    start,
)

CONTEXT = 512
LONG = CONTEXT - 10


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save("llama", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def path(directory: Path) -> Iterator[Path]:
    """The socket of one runner that the tests which leave it as they found it share."""
    path = directory / "shared.sock"
    process = start(directory, path, context_length=CONTEXT, max_waiting=8)
    yield path
    process.kill()
    process.communicate()


@pytest.fixture
async def gateway(path: Path) -> AsyncIterator[Gateway]:
    gateway = await greet(path)
    yield gateway
    gateway.writer.close()


async def test_the_greeting_says_what_is_served(path: Path) -> None:
    gateway = await connect(path)
    gateway.send(Hello())
    hello = await gateway.read()
    assert hello == Hello(VERSION, "tiny", CONTEXT, 4)


async def test_the_status_says_how_verification_went(gateway: Gateway) -> None:
    status = await gateway.status()
    assert (status.state, status.progress, status.slots) == ("ready", 1.0, 4)
    assert status.tier in ("B", "C")  # a Llama is run fused wherever it runs
    assert "24 of 24 tokens equal to generate" in status.detail
    assert status.device == "cpu"
    assert status.resident_bytes > 50_000_000


async def test_a_request_is_accepted_streamed_and_finished_with_its_usage(gateway: Gateway) -> None:
    before = (await gateway.status()).tokens
    gateway.submit("a", [5, 6, 7], 12)
    assert await gateway.read() == Accepted("a", 0)
    text, end = await gateway.end("a")
    assert isinstance(end, Finished)
    assert end.reason == "length"
    assert (end.usage.prompt_tokens, end.usage.completion_tokens) == (3, 12)
    assert 0 <= end.usage.queue_s <= end.usage.first_token_s <= end.usage.total_s
    assert 12 <= len(text) <= 24
    assert (await gateway.status()).tokens == before + 12


async def test_a_stop_string_ends_a_request_and_is_not_shown(gateway: Gateway) -> None:
    gateway.submit("a", [5, 6, 7], 40)
    whole, _ = await gateway.end("a")
    stop = whole[10:14]
    gateway.submit("b", [5, 6, 7], 40, stop=[stop])
    text, end = await gateway.end("b")
    assert text == whole[: whole.index(stop)]
    assert isinstance(end, Finished)
    assert end.reason == "stop"


async def test_a_cancelled_request_ends_with_what_was_made_so_far(gateway: Gateway) -> None:
    gateway.submit("a", [5], LONG)
    await gateway.first_text()
    gateway.send(Cancel("a"))
    _, end = await gateway.end("a")
    assert isinstance(end, Finished)
    assert end.reason == "cancelled"
    assert 0 < end.usage.completion_tokens < LONG
    assert (await gateway.status()).running == 0


async def test_cancelling_what_does_not_run_changes_nothing(gateway: Gateway) -> None:
    gateway.send(Cancel("nobody"))
    gateway.submit("a", [5], 3)
    _, end = await gateway.end("a")
    assert isinstance(end, Finished)


async def test_a_closed_connection_cancels_its_requests_and_no_others(
    path: Path, gateway: Gateway
) -> None:
    leaver = await greet(path)
    gateway.submit("same", [5], 60)
    for number in range(6):
        leaver.submit(f"r{number}", [5], LONG)
    leaver.submit("same", [5], LONG)
    await leaver.first_text()
    leaver.writer.close()
    _, end = await gateway.end("same")
    assert isinstance(end, Finished)
    assert (end.reason, end.usage.completion_tokens) == ("length", 60)
    await gateway.until_idle()


async def test_a_prompt_over_the_context_is_refused_with_the_numbers(gateway: Gateway) -> None:
    gateway.submit("a", [5] * CONTEXT, 1)
    _, end = await gateway.end("a")
    assert isinstance(end, Failed)
    assert end.code == "context_length_exceeded"
    assert str(CONTEXT) in end.detail


async def test_more_than_may_wait_are_refused_and_the_rest_are_served(gateway: Gateway) -> None:
    for number in range(40):
        gateway.submit(f"r{number}", [5], 30)
    ends: dict[str, Finished | Failed] = {}
    while len(ends) < 40:
        message = await gateway.read()
        if isinstance(message, Finished | Failed):
            ends[message.request_id] = message
    refused = [end for end in ends.values() if isinstance(end, Failed)]
    assert refused
    assert {end.code for end in refused} == {"queue_full"}
    assert len(refused) < 40 - 8


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", 0xFFFFFFFF),
        struct.pack(">I", 3) + b"\xc1\xc1\xc1",
        encode(Accepted("x", 0)),
    ],
)
async def test_garbage_ends_only_its_own_connection(
    path: Path, gateway: Gateway, garbage: bytes
) -> None:
    gateway.submit("a", [5], 30)
    vandal = await greet(path)
    vandal.writer.write(garbage)
    assert await vandal.closed_by_runner()
    _, end = await gateway.end("a")
    assert isinstance(end, Finished)


async def test_another_version_is_told_ours_and_refused(path: Path) -> None:
    stranger = await connect(path)
    stranger.send(Hello(version=VERSION + 1))
    hello = await stranger.read()
    assert isinstance(hello, Hello)
    assert hello.version == VERSION
    assert await stranger.closed_by_runner()


async def test_a_peer_that_does_not_greet_is_refused(path: Path) -> None:
    rude = await connect(path)
    rude.submit("a", [5], 3)
    assert await rude.closed_by_runner()


async def test_the_socket_is_for_its_owner_only(gateway: Gateway, path: Path) -> None:
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


async def test_sigterm_lets_what_runs_finish_and_refuses_the_rest(directory: Path) -> None:
    path = directory / "drain.sock"
    process = start(directory, path, context_length=CONTEXT, slots=1)
    gateway = await greet(path)
    gateway.submit("runs", [5], 200)
    gateway.submit("waits", [5], 5)
    await gateway.first_text()
    process.send_signal(signal.SIGTERM)
    _, waited = await gateway.end("waits")
    assert isinstance(waited, Failed)
    assert waited.code == "draining"
    gateway.submit("late", [5], 5)
    ends: dict[str, Finished | Failed] = {}
    while len(ends) < 2:
        message = await gateway.read()
        if isinstance(message, Finished | Failed):
            ends[message.request_id] = message
    assert isinstance(ends["late"], Failed)
    assert ends["late"].code == "draining"
    assert isinstance(ends["runs"], Finished)
    assert ends["runs"].usage.completion_tokens == 200
    log = [json.loads(line) for line in process.communicate(timeout=PATIENCE)[1].splitlines()]
    assert process.returncode == 0
    assert not path.exists()
    finished = {line["request_id"] for line in log if line["event"] == "request_finished"}
    assert finished == {"runs", "waits"}


async def test_the_socket_answers_while_the_model_loads(directory: Path) -> None:
    path = directory / "loading.sock"
    process = start(directory, path)
    gateway = await connect(path)
    gateway.send(Hello())
    gateway.submit("early", [5], 5)
    assert isinstance(await gateway.read(), Hello)
    early = await gateway.read()
    assert isinstance(early, Failed)
    assert early.code == "loading"
    assert (await gateway.status()).state == "loading"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


async def test_a_stale_socket_is_replaced_and_a_live_one_is_not(directory: Path) -> None:
    path = directory / "again.sock"
    first = start(directory, path)
    await connect(path)
    first.kill()
    first.communicate()
    assert path.exists()
    second = start(directory, path)
    await connect(path)
    third = start(directory, path)
    log = third.communicate(timeout=PATIENCE)[1]
    assert third.returncode == 2
    assert "another runner" in json.loads(log.splitlines()[-1])["detail"]
    second.kill()
    second.communicate()


async def test_the_runner_ends_when_its_parent_is_killed(directory: Path) -> None:
    path = directory / "orphan.sock"
    arguments = command(directory, path)
    script = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *arguments, cwd=ROOT
    )
    gateway = await connect(path)
    parent.kill()
    await parent.wait()
    assert await gateway.closed_by_runner()


async def test_a_reader_that_never_reads_loses_its_connection_and_blocks_nobody(
    directory: Path,
) -> None:
    async with running(directory, directory / "slow.sock", context_length=CONTEXT) as gateway:
        sleeper = await greet(directory / "slow.sock")
        sleeper.reader._transport.pause_reading()  # type: ignore[attr-defined]
        flood = encode(Cancel("x")) * 10 + encode(Hello())
        ping = b"\x00\x00\x00\x0b\x81\xa4type\xa4ping"
        sleeper.writer.write(flood + ping * 20_000)
        gateway.submit("a", [5], 100)
        _, end = await gateway.end("a")
        assert isinstance(end, Finished)
        async with asyncio.timeout(PATIENCE):
            while not sleeper.writer.is_closing():
                sleeper.writer.write(ping * 100)
                try:
                    await sleeper.writer.drain()
                except ConnectionError:
                    break


@pytest.mark.parametrize(
    ("change", "mentions"),
    [
        ({"threads": 10_000}, "threads"),
        ({"slots": 0}, "slots"),
        ({"context_length": 0}, "context_length is 0; it must be 1 to"),
        ({"kept_slots": -1}, "kept_slots"),
        ({"directory": "/nonexistent"}, "nonexistent"),
        ({"socket": "/tmp/" + "x" * 120}, "107 bytes"),
        ({"surprise": 1}, "surprise"),
        ({"device": "gpu"}, "device"),
        ({"device": "cuda:0"}, "device is cuda:0, and it is not there"),
        ({"device": "cuda", "dtype": "int8"}, "Weights in int8 are for the CPU"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_with_the_reason(
    directory: Path, change: dict[str, object], mentions: str
) -> None:
    fields: dict[str, object] = {"directory": directory, "path": directory / "no.sock", **change}
    if "socket" in change:
        fields["path"] = Path(str(fields.pop("socket")))
    process = subprocess.run(
        command(Path(str(fields.pop("directory"))), Path(str(fields.pop("path"))), **fields),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    last = json.loads(process.stderr.splitlines()[-1])
    assert (process.returncode, last["event"]) == (2, "load_failed")
    assert mentions in last["detail"]


@pytest.mark.parametrize("file", ["modeling_own.py", "pytorch_model.bin"])
def test_a_directory_with_code_or_pickles_is_refused(tmp_path: Path, file: str) -> None:
    tiny_models.save("llama", tmp_path)
    (tmp_path / file).write_bytes(b"x")
    process = subprocess.run(
        command(tmp_path, tmp_path / "no.sock"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    last = json.loads(process.stderr.splitlines()[-1])
    assert (process.returncode, last["event"]) == (2, "load_failed")
    assert file in last["detail"]
