"""Scripts of the Redis-protocol server over one connection that all requests share.

A pooled client costs each command a connection of its own and several coroutines; admission and
release are on the way of every request. Here commands go out one behind the other as they come,
and answers are matched to them in that order. Connecting, signing in and TLS stay the library's.
"""

import asyncio
import hashlib
from collections import deque
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import hiredis
import redis.asyncio
from django.conf import settings
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as LateError

from aiplatform.store import TIMEOUT_S


class Script:
    """A Lua script, known to the server by its SHA-1 once it has been run there."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class PipelinedStore:
    """One event loop's connection; opened on first use and again after it was lost."""

    def __init__(self) -> None:
        self._line: _Line | None = None
        self._opening = asyncio.Lock()

    async def run(self, script: Script, keys: list[str], arguments: list[Any]) -> Any:
        """Run `script` and return its answer. Raises RedisError, Unavailable among them."""
        line = self._line
        if line is None or line.lost:
            line = await self._open()
        try:
            return await line.ask("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:  # the server was started anew, or somebody flushed its scripts
            return await line.ask("EVAL", script.source, len(keys), *keys, *arguments)

    async def _open(self) -> "_Line":
        try:
            async with asyncio.timeout(TIMEOUT_S), self._opening:
                if self._line is None or self._line.lost:
                    self._line = _Line(await _connected())
                return self._line
        except TimeoutError as error:
            raise LateError("the store did not answer in time") from error


async def _connected() -> AbstractConnection:
    pool = redis.asyncio.ConnectionPool.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=None,
        protocol=2,  # in which nothing comes that was not asked for
    )
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    await connection.connect()  # type: ignore[no-untyped-call]
    return connection


class _Line(asyncio.Protocol):
    """One connection to the server, taken over from the library once it is signed in.

    A protocol and not a reader in a task of its own: that task would be woken for every answer.
    """

    def __init__(self, connection: AbstractConnection) -> None:
        self.lost = False
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._transport = cast(asyncio.Transport, connection._writer.transport)  # type: ignore[union-attr]
        self._transport.set_protocol(self)
        self._replies = hiredis.Reader(replyError=_refusal)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()  # each with its deadline
        self._watching: asyncio.TimerHandle | None = None

    def ask(self, *command: Any) -> asyncio.Future[Any]:
        """Send `command`; return what will be its answer, or the RedisError it was refused with."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        deadline = self._loop.time() + TIMEOUT_S
        self._waiting.append((answer, deadline))
        # redis-py packs in Python, which for many limits takes longer than their script.
        self._transport.write(hiredis.pack_command(command))
        if self._watching is None:
            self._watching = self._loop.call_at(deadline, self._watch)
        return answer

    def drop(self, reason: RedisError) -> None:
        """Give the connection up: it may be half-open, and a new one shows whether it was that."""
        self.lost = True
        # Or it would warn that nobody did.
        self._connection._close()  # type: ignore[no-untyped-call]
        self._transport.abort()
        while self._waiting:
            self._answer(reason)

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.feed(data)
            while (answer := self._replies.gets()) is not False:
                self._answer(answer)
        except hiredis.HiredisError as error:
            self.drop(LostError(f"the store does not speak its protocol: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        lost = LostError("the connection to the store was lost")
        lost.__cause__ = error
        self.drop(lost)

    def _watch(self) -> None:
        """See that the oldest command is not late. One timer for all, where each would be dear."""
        self._watching = None
        if not self._waiting:
            return
        deadline = self._waiting[0][1]
        if deadline <= self._loop.time():
            self.drop(LateError("the store did not answer in time"))
        else:
            self._watching = self._loop.call_at(deadline, self._watch)

    def _answer(self, what: Any) -> None:
        waiter, _ = self._waiting.popleft()
        if waiter.done():  # it gave up; its answer is dropped, the order stays
            return
        if isinstance(what, Exception):
            waiter.set_exception(what)
        else:
            waiter.set_result(what)


def _refusal(text: str) -> ResponseError:
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)


_by_loop: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, PipelinedStore]] = WeakKeyDictionary()


def pipelined_store() -> PipelinedStore:
    """Return the running event loop's connection."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = PipelinedStore()
    return _by_loop[loop]
