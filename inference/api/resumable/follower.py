"""Reads for everybody who follows a generation in this process: one reader for all of them."""

import asyncio
import time
import weakref
from typing import TYPE_CHECKING, Final

from django.conf import settings

from aiplatform.store import Unavailable
from inference.api.resumable import record

if TYPE_CHECKING:
    from inference.api.resumable.following import Following

READ_EVERY_S: Final = 0.05
LOOK_EVERY_S: Final = 0.25


class _Follower:
    """One event loop's."""

    def __init__(self) -> None:
        self.following: dict[str, Following] = {}
        self._task: asyncio.Task[None] | None = None
        self._read_at = 0.0  # monotonic; when the store last answered
        self._looked_at = 0.0

    def begin(self, following: "Following") -> None:
        former = self.following.get(following.request_id)
        self.following[following.request_id] = following
        if former:
            former.displace()
        if self._task is None or self._task.done():
            self._read_at = time.monotonic()
            self._task = asyncio.create_task(self._keep_reading())

    def end(self, following: "Following") -> None:
        if self.following.get(following.request_id) is following:
            del self.following[following.request_id]

    async def _keep_reading(self) -> None:
        while self.following:
            now = time.monotonic()
            try:
                await self._read()
                if now - self._looked_at > LOOK_EVERY_S:
                    self._looked_at = now
                    await self._look()
                self._read_at = now
            except Unavailable:
                if now - self._read_at > settings.RESUME_WINDOW_S:
                    self._give_up()
            await asyncio.sleep(READ_EVERY_S)

    async def _read(self) -> None:
        hungry = {one.request_id: one for one in self.following.values() if one.is_hungry}
        if hungry:
            found = await record.read({one.request_id: one.read_to for one in hungry.values()})
            for request_id, batches in found.items():
                hungry[request_id].take(batches)

    async def _look(self) -> None:
        followed = list(self.following.values())
        standings = await record.stay([(one.request_id, one.web) for one in followed])
        for following, standing in zip(followed, standings, strict=True):
            following.look(standing)

    def _give_up(self) -> None:
        for following in self.following.values():
            following.fail(record.store_away())


_by_loop: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Follower]] = (
    weakref.WeakKeyDictionary()
)


def begin(following: "Following") -> None:
    """Read for `following` until `end`; whoever followed the same here is displaced."""
    _follower().begin(following)


def end(following: "Following") -> None:
    """Its client is gone."""
    _follower().end(following)


def _follower() -> _Follower:
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = _Follower()
    return _by_loop[loop]
