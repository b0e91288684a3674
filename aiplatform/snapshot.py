"""A value that is read again when it is older than a moment, by one reader at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# What is asked for all the time is read ahead from this part of its time on, so that nobody waits,
# and so much later than it is asked for: by then that request is with its model.
_AHEAD: Final = 0.75
_AHEAD_AFTER_S: Final = 0.005


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
        age = time.monotonic() - self._read_at
        if self._value is not None and age < self._fresh_s:
            if age > self._fresh_s * _AHEAD:
                self._read_once(after_s=_AHEAD_AFTER_S)
            return self._value
        # Shielded: whoever gives up waiting must not take the reading from the others.
        return await asyncio.shield(self._read_once())

    def _read_once(self, after_s: float = 0.0) -> asyncio.Task[T]:
        """Return the reading under way, begun if there is none."""
        loop = asyncio.get_running_loop()
        if self._reading is None or self._reading.done() or self._reading.get_loop() is not loop:
            self._reading = loop.create_task(self._refresh(after_s))
            # Where it fails and nobody waits, the next who finds the value old learns why.
            self._reading.add_done_callback(lambda read: read.cancelled() or read.exception())
        return self._reading

    async def _refresh(self, after_s: float) -> T:
        if after_s:
            await asyncio.sleep(after_s)
        asked_at = time.monotonic()
        value = self._value = await self._read()
        self._read_at = asked_at
        return value
