"""A value that is read again when it is older than a moment, by one reader at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Snapshot(Generic[T]):
    """What `read` returned, never staler than `fresh_s` plus the time one reading takes.

    Of many who find it old at once, one reads and the others wait for that reading. A reading that
    fails is not kept: its error goes to everyone who waited for it.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], fresh_s: float) -> None:
        self._read = read
        self._fresh_s = fresh_s
        self._read_at = -fresh_s
        self._value: T | None = None
        self._reading: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Return the value. Raises what reading it raises."""
        if self._value is not None and time.monotonic() - self._read_at < self._fresh_s:
            return self._value
        loop = asyncio.get_running_loop()
        if self._reading is None or self._reading.done() or self._reading.get_loop() is not loop:
            self._reading = loop.create_task(self._refresh())
        # Shielded: whoever gives up waiting must not take the reading from the others.
        return await asyncio.shield(self._reading)

    async def _refresh(self) -> T:
        asked_at = time.monotonic()
        value = self._value = await self._read()
        self._read_at = asked_at
        return value
