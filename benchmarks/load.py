"""A closed loop of callers at one chat endpoint, in a process of its own.

`python -m benchmarks.load '<Load JSON>'` prints one Measurement as JSON. It uses no HTTP client
library, because on few cores the client's own work would be much of what is measured.
"""

import asyncio
import itertools
import subprocess
import sys
import time
from typing import Final, cast

import httptools
import msgspec
import uvloop

from benchmarks.measurement import Measurement, measurement_of

# Callers ask different things, so that nobody answers out of a cache.
_QUESTIONS: Final = 97
_AFTER_S: Final = 30.0  # how long the last answers may take


class Load(msgspec.Struct, frozen=True):
    """What to ask whom, with how many callers, each waiting for its answer before the next."""

    port: int
    key: str
    model: str
    concurrency: int
    seconds: float
    host: str = "127.0.0.1"
    warm_up_s: float = 2.0  # before `seconds` begin; not counted


class WrongAnswerError(Exception):
    """An answer was not a 200 with text in it. Nothing that was measured counts."""


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Completion(msgspec.Struct):
    choices: list[_Choice]


_decoder: Final = msgspec.json.Decoder(_Completion)


def measured(load: Load) -> Measurement:
    """Run `load` in a process of its own. Raises WrongAnswerError."""
    command = [sys.executable, "-m", "benchmarks.load", msgspec.json.encode(load).decode()]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode:
        raise WrongAnswerError(result.stderr.decode(errors="replace").strip()[-2000:])
    return msgspec.json.decode(result.stdout, type=Measurement)


async def run(load: Load) -> Measurement:
    """Run `load` in this process. Raises WrongAnswerError."""
    shift = _Shift(load)
    loop = asyncio.get_running_loop()
    for _ in range(load.concurrency):
        await loop.create_connection(lambda: _Caller(shift), load.host, load.port)
    try:
        async with asyncio.timeout(load.warm_up_s + load.seconds + _AFTER_S):
            await shift.over
    except TimeoutError as error:
        raise WrongAnswerError(f"no answer for {_AFTER_S:.0f} s") from error
    return shift.measurement()


class _Shift:
    """What the callers of one run share."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.requests = itertools.cycle([_request(load, n) for n in range(_QUESTIONS)])
        self._begins = time.perf_counter() + load.warm_up_s
        self._ends = self._begins + load.seconds
        self._at_work = load.concurrency
        self._latencies: list[float] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def note(self, asked_at: float, answered_at: float) -> bool:
        """Note one answer; return whether its caller should go on."""
        if self._begins <= answered_at < self._ends:
            self._latencies.append(answered_at - asked_at)
        return answered_at < self._ends

    def leave(self, failure: WrongAnswerError | None) -> None:
        """One caller has ended; the first failure ends all."""
        self._at_work -= 1
        if self.over.done():
            return
        if failure:
            self.over.set_exception(failure)
        elif not self._at_work:
            self.over.set_result(None)

    def measurement(self) -> Measurement:
        if not self._latencies:
            raise WrongAnswerError("no request was answered within the time measured")
        return measurement_of(self._latencies, self._load.seconds)


class _Caller(asyncio.Protocol):
    """One keep-alive connection; also what httptools calls back."""

    def __init__(self, shift: _Shift) -> None:
        self._shift = shift
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._failure: WrongAnswerError | None = None
        self._done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods but not the base classes.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(WrongAnswerError(f"no HTTP answer: {error.__context__ or error}"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done:
            self._failure = self._failure or WrongAnswerError("the server hung up")
        self._shift.leave(self._failure)

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        answered_at = time.perf_counter()
        if fault := _fault(self._parser.get_status_code(), self._body):
            self._end(WrongAnswerError(fault))
        elif self._shift.note(self._asked_at, answered_at):
            self._ask()
        else:
            self._end(None)

    def _ask(self) -> None:
        self._body.clear()
        self._asked_at = time.perf_counter()
        self._transport.write(next(self._shift.requests))

    def _end(self, failure: WrongAnswerError | None) -> None:
        self._done, self._failure = True, self._failure or failure
        self._transport.close()


def _request(load: Load, number: int) -> bytes:
    question = f"What is {number} and {number + 1}, and how do you know? Answer in one sentence."
    body = msgspec.json.encode(
        {
            "model": load.model,
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": question},
            ],
            "max_tokens": 16,
        }
    )
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\n"
        f"Host: {load.host}:{load.port}\r\n"
        f"Authorization: Bearer {load.key}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _fault(status: int, body: bytearray) -> str | None:
    """Return what is wrong with an answer."""
    if status != 200:
        return f"status {status}: {body[:500].decode(errors='replace')}"
    try:
        completion = _decoder.decode(body)
    except msgspec.MsgspecError as error:
        return f"not a chat completion: {error}"
    if not completion.choices or not completion.choices[0].message.content:
        return "an answer without text"
    return None


def _main() -> None:
    load = msgspec.json.decode(sys.argv[1], type=Load)
    try:
        measurement = uvloop.run(run(load))
    except (WrongAnswerError, OSError) as error:
        raise SystemExit(str(error)) from error
    sys.stdout.buffer.write(msgspec.json.encode(measurement))


if __name__ == "__main__":
    _main()
