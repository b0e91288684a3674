"""A runner without a model: real socket, real wire, real announcements, canned text.

Tests and benchmarks of everything in front of the model use it:
`python -m tests.canned_runner --socket PATH --model NAME --redis-url URL`. Every token is one word.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis
import uvloop

from inference.engine import wire
from inference.registry.directory import Replica, announce, withdraw

ANNOUNCE_EVERY_S: Final = 0.5


@dataclass(frozen=True)
class Script:
    """What is answered to every request. Of how to sample, only logprobs are looked at."""

    tokens: int = 16  # `stop` after so many, `length` where max_tokens is smaller
    delay_s: float = 0.0  # before the first token
    interval_s: float = 0.0  # between tokens; 0 sends them all in one frame
    word: str = "word"
    # Every word is the time.monotonic() of its sending, comparable over the machine's processes.
    stamped: bool = False
    # Every word carries its number, so that what is lost, doubled or out of order shows.
    numbered: bool = False
    ahead: int = 0  # so many others are in the queue, each for half a second

    def text(self, number: int) -> str:
        """Return the text of the token with that number, from 0."""
        if self.stamped:
            return f"{time.monotonic():.6f} "
        return f"{self.word}{number} " if self.numbered else f"{self.word} "


@dataclass
class Counters:
    """What the runner has done so far; tests read it in process, others through Ping."""

    accepted: int = 0
    finished: int = 0
    cancelled: int = 0
    tokens: int = 0
    # What was asked lately.
    submits: deque[wire.Submit] = field(default_factory=lambda: deque(maxlen=64))


@dataclass
class CannedRunner:
    """Serves `script` as `model` on the unix socket `socket`."""

    socket: Path
    model: str
    script: Script = field(default_factory=Script)
    context_length: int = 2048
    slots: int = 32
    counters: Counters = field(default_factory=Counters)
    running: int = 0
    _gateways: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = field(default_factory=dict)

    async def serve(self) -> asyncio.Server:
        """Listen and return the server; whoever called closes it."""
        self.socket.unlink(missing_ok=True)
        return await asyncio.start_unix_server(self._connection, str(self.socket))

    @contextlib.asynccontextmanager
    async def announced(self, store: redis.Redis) -> AsyncIterator[None]:
        """Listen and stay on the list of replicas until the block ends."""
        server = await self.serve()
        await asyncio.to_thread(announce, store, self.replica())
        beat = asyncio.create_task(self._announce_forever(store))
        try:
            yield
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            await asyncio.to_thread(withdraw, store, self.replica_id)
            server.close()
            await self._hang_up()

    @property
    def replica_id(self) -> str:
        """Unique on this machine: one socket is one replica."""
        return f"canned:{self.socket}"

    def replica(self) -> Replica:
        """Return what the host agent would announce of this runner now."""
        return Replica(
            id=self.replica_id,
            model=self.model,
            address=f"unix:{self.socket}",
            state="ready",
            host="canned",
            pid=os.getpid(),
            slots=self.slots,
            running=self.running,
            steps=self.counters.tokens,
            tokens=self.counters.tokens,
            tier="canned",
        )

    def status(self) -> wire.Status:
        """Return the answer to Ping."""
        return wire.Status(
            state="ready",
            progress=1.0,
            running=self.running,
            slots=self.slots,
            steps=self.counters.tokens,
            tokens=self.counters.tokens,
            tier="canned",
        )

    async def _announce_forever(self, store: redis.Redis) -> None:
        while True:
            await asyncio.sleep(ANNOUNCE_EVERY_S)
            await asyncio.to_thread(announce, store, self.replica())

    async def _hang_up(self) -> None:
        handlers = [task for task in self._gateways.values() if task]
        for writer in self._gateways:
            writer.close()
        await asyncio.gather(*handlers)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, writer)
        self._gateways[writer] = asyncio.current_task()
        try:
            while True:
                connection.handle(await wire.read_request(reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the gateway hung up: what it asked for is not wanted any more
        finally:
            await connection.close()
            del self._gateways[writer]


class _Connection:
    """One gateway's requests; they end with it."""

    def __init__(self, runner: CannedRunner, writer: asyncio.StreamWriter) -> None:
        self._runner = runner
        self._writer = writer
        self._answers: dict[str, _Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, message: wire.ToRunner) -> None:
        """Answer one message, or start what will answer it."""
        match message:
            case wire.Submit():
                self._submit(message)
            case wire.Cancel(request_id=request_id):
                if answer := self._answers.get(request_id):
                    answer.cancelled.set()
            case wire.Ping():
                self._send(self._runner.status())
            case wire.Hello():
                self._send(self._hello())

    async def close(self) -> None:
        """Cancel whatever still runs."""
        for answer in self._answers.values():
            answer.cancelled.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()

    def _hello(self) -> wire.Hello:
        runner = self._runner
        return wire.Hello(
            model=runner.model, context_length=runner.context_length, slots=runner.slots
        )

    def _submit(self, submit: wire.Submit) -> None:
        ahead = self._runner.script.ahead
        self._send(wire.Accepted(submit.request_id, ahead, ahead / 2))
        answer = _Answer(submit, self._runner.script)
        self._answers[submit.request_id] = answer
        self._runner.counters.accepted += 1
        self._runner.counters.submits.append(submit)
        self._runner.running += 1
        task = asyncio.create_task(self._answer(answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, answer: "_Answer") -> None:
        frames = b""
        async for deltas in answer.steps():
            frames += wire.encode(deltas)
            # The last step travels with Finished: one system call where a request is one step.
            if not answer.complete:
                self._write(frames)
                frames = b""
        self._write(frames + wire.encode(answer.finished()))
        self._settle(answer)

    def _settle(self, answer: "_Answer") -> None:
        del self._answers[answer.submit.request_id]
        counters = self._runner.counters
        self._runner.running -= 1
        counters.finished += 1
        counters.cancelled += answer.cancelled.is_set()
        counters.tokens += answer.made

    def _send(self, message: wire.Message) -> None:
        self._write(wire.encode(message))

    def _write(self, frames: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(frames)


class _Answer:
    """One request while it is answered."""

    def __init__(self, submit: wire.Submit, script: Script) -> None:
        self.submit = submit
        self.cancelled = asyncio.Event()
        self.made = 0
        self._script = script
        self._wanted = min(submit.max_tokens, script.tokens)
        self._began = time.monotonic()
        self._first_s = 0.0

    @property
    def complete(self) -> bool:
        """Whether every token has been made."""
        return self.made >= self._wanted

    async def steps(self) -> AsyncIterator[wire.Deltas]:
        """Make the tokens, one step at a time, until they are all made or cancelled."""
        await self._pause(self._script.delay_s)
        while not (self.complete or self.cancelled.is_set()):
            self._first_s = self._first_s or time.monotonic() - self._began
            yield self._step(1 if self._script.interval_s else self._wanted)
            if not self.complete:
                await self._pause(self._script.interval_s)

    def finished(self) -> wire.Finished:
        """Return the last message."""
        return wire.Finished(self.submit.request_id, self._reason(), self._usage())

    def _step(self, tokens: int) -> wire.Deltas:
        texts = [self._script.text(number) for number in range(self.made, self.made + tokens)]
        self.made += tokens
        asked = self.submit.sampling.logprobs
        logprobs = [] if asked is None else [_logprob(text, asked) for text in texts]
        return wire.Deltas([wire.Delta(self.submit.request_id, "".join(texts), tokens, logprobs)])

    def _reason(self) -> str:
        if not self.complete:
            return "cancelled"
        return "length" if self._wanted < self._script.tokens else "stop"

    def _usage(self) -> wire.Usage:
        return wire.Usage(
            prompt_tokens=len(self.submit.prompt),
            completion_tokens=self.made,
            first_token_s=self._first_s,
            total_s=time.monotonic() - self._began,
        )

    async def _pause(self, seconds: float) -> None:
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.cancelled.wait(), seconds)


def _logprob(text: str, alternatives: int) -> wire.TokenLogprob:
    """Return a word's logprob, among others that are half as likely each."""
    top = [(text.encode(), -0.5), *((f"other{n}".encode(), -0.5 - n) for n in range(1, 20))]
    return wire.TokenLogprob(text.encode(), -0.5, top[:alternatives])


async def _run(runner: CannedRunner, store_url: str) -> None:
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    async with runner.announced(redis.Redis.from_url(store_url)):
        await stopped.wait()


def _arguments() -> argparse.Namespace:
    defaults = Script()
    parser = argparse.ArgumentParser(prog="python -m tests.canned_runner", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--model", required=True, help="registry name to serve")
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--tokens", type=int, default=defaults.tokens)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before the first token")
    parser.add_argument("--interval-ms", type=float, default=0.0, help="between tokens; 0: none")
    parser.add_argument("--word", default=defaults.word)
    parser.add_argument("--stamped", action="store_true", help="words are times of sending")
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--context-length", type=int, default=2048)
    return parser.parse_args()


def _main() -> None:
    arguments = _arguments()
    script = Script(
        tokens=arguments.tokens,
        delay_s=arguments.delay_ms / 1000,
        interval_s=arguments.interval_ms / 1000,
        word=arguments.word,
        stamped=arguments.stamped,
    )
    runner = CannedRunner(
        arguments.socket, arguments.model, script, arguments.context_length, arguments.slots
    )
    uvloop.run(_run(runner, arguments.redis_url))


if __name__ == "__main__":
    _main()
