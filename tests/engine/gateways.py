"""A runner process over a tiny model, and the client end of its socket."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.engine.wire import (
    Deltas,
    Failed,
    Finished,
    FromRunner,
    Hello,
    Message,
    Ping,
    Sampling,
    Status,
    Submit,
    encode,
    read_reply,
)

PATIENCE = 60.0  # seconds; the machine may be busy, a hang is longer
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Gateway:
    """One connection to a runner."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, message: Message) -> None:
        self.writer.write(encode(message))

    def submit(self, request_id: str, prompt: list[int], max_tokens: int, **more: Any) -> None:
        """Ask for exactly `max_tokens` tokens, unless something else ends the request."""
        sampling = more.pop("sampling", Sampling())
        request = Submit(request_id, prompt, max_tokens, sampling, ignore_eos=True, **more)
        self.send(request)

    async def read(self) -> FromRunner:
        async with asyncio.timeout(PATIENCE):
            return await read_reply(self.reader)

    async def status(self) -> Status:
        """Ask for a status; whatever else arrives before it is dropped."""
        self.send(Ping())
        while not isinstance(message := await self.read(), Status):
            pass
        return message

    async def until_idle(self) -> Status:
        while (status := await self.status()).running or status.waiting:
            pass
        return status

    async def first_text(self) -> Deltas:
        while not isinstance(message := await self.read(), Deltas):
            pass
        return message

    async def end(self, request_id: str) -> tuple[str, Finished | Failed]:
        """Read up to the end of a request; return its text and how it ended."""
        text = ""
        while True:
            message = await self.read()
            if isinstance(message, Deltas):
                text += "".join(d.text for d in message.items if d.request_id == request_id)
            elif isinstance(message, Finished) and message.request_id == request_id:
                return text + message.text, message
            elif isinstance(message, Failed) and message.request_id == request_id:
                return text, message

    async def closed_by_runner(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await read_reply(self.reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            return True


async def connect(path: Path) -> Gateway:
    """Connect as soon as the socket is there, without a greeting."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return Gateway(*await asyncio.open_unix_connection(path))
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.02)  # nothing announces a socket file


async def greet(path: Path) -> Gateway:
    """Connect and wait until the runner is ready."""
    gateway = await connect(path)
    gateway.send(Hello())
    assert isinstance(await gateway.read(), Hello)
    while (await gateway.status()).state == "loading":
        pass
    return gateway


def command(directory: Path, path: Path, **config: Any) -> list[str]:
    fields = {
        "model": "tiny",
        "directory": str(directory),
        "socket": str(path),
        "dtype": "float32",
        "threads": 1,
        "slots": 4,
        **config,
    }
    return [sys.executable, "-m", "inference.engine.runner", json.dumps(fields)]


def start(directory: Path, path: Path, **config: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(directory, path, **config),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as the host agent does
    )


@asynccontextmanager
async def running(directory: Path, path: Path, **config: Any) -> AsyncIterator[Gateway]:
    """Run a runner for the length of a block."""
    process = start(directory, path, **config)
    try:
        yield await greet(path)
    finally:
        process.kill()
        process.communicate()
