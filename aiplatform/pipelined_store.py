"""Scripts of the Redis-protocol server over one connection that all requests share.

A pooled client costs each command a connection of its own and several coroutines; admission and
release are on the way of every request. Here commands go out one behind the other as they come,
and answers are matched to them in that order. Connecting, signing in and TLS stay the library's.
"""

import asyncio
import hashlib
from collections import deque
from typing import Any, Final
from weakref import WeakKeyDictionary

import hiredis
import redis.asyncio
from django.conf import settings
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import NoScriptError, ResponseError
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
        self._connection: AbstractConnection | None = None
        self._opening = asyncio.Lock()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._receiving: asyncio.Task[None] | None = None

    async def run(self, script: Script, keys: list[str], arguments: list[Any]) -> Any:
        """Run `script` and return its answer. Raises RedisError, Unavailable among them."""
        try:
            return await self._command("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:  # the server was started anew, or somebody flushed its scripts
            return await self._command("EVAL", script.source, len(keys), *keys, *arguments)

    async def _command(self, *command: Any) -> Any:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                connection = self._connection or await self._open()
                answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                # No await between the two: answers come in the order of the commands.
                self._waiting.append(answer)
                # redis-py packs in Python, which for many limits takes longer than their script.
                await connection.send_packed_command(
                    hiredis.pack_command(command), check_health=False
                )
                return await answer
        except TimeoutError as error:
            self._drop()
            raise LateError("the store did not answer in time") from error

    async def _open(self) -> AbstractConnection:
        async with self._opening:
            if self._connection is None:
                pool = redis.asyncio.ConnectionPool.from_url(
                    settings.REDIS_URL, socket_connect_timeout=TIMEOUT_S, socket_timeout=None
                )
                connection = pool.make_connection()  # type: ignore[no-untyped-call]
                await connection.connect()
                self._connection = connection
                self._receiving = asyncio.create_task(self._receive(connection))
            return self._connection

    def _drop(self) -> None:
        """Give the connection up: it may be half-open, and a new one shows whether it was that."""
        if self._receiving is not None:
            self._receiving.cancel()

    async def _receive(self, connection: AbstractConnection) -> None:
        lost: Exception = LostError("the connection to the store is closed")
        try:
            while True:
                self._answer(await self._next(connection))
        except (redis.RedisError, OSError) as error:
            lost = LostError("the connection to the store was lost")
            lost.__cause__ = error
        finally:
            self._connection = None
            while self._waiting:
                self._answer(lost)
            await connection.disconnect(nowait=True)

    async def _next(self, connection: AbstractConnection) -> Any:
        try:
            # Waits for the next command's answer, however long nobody asks anything.
            return await connection.read_response(timeout=None, disconnect_on_error=False)
        except ResponseError as refusal:
            return refusal  # an answer like any other, for whoever asked

    def _answer(self, what: Any) -> None:
        waiter = self._waiting.popleft()
        if waiter.done():  # it gave up; its answer is dropped, the order stays
            return
        if isinstance(what, Exception):
            waiter.set_exception(what)
        else:
            waiter.set_result(what)


_by_loop: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, PipelinedStore]] = WeakKeyDictionary()


def pipelined_store() -> PipelinedStore:
    """Return the running event loop's connection."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = PipelinedStore()
    return _by_loop[loop]
