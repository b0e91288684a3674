"""The vigil: a request goes on only as long as its caller may still ask.

A key that is revoked, or a user who is deactivated, ends what runs for them, not just what comes
next. Each caller with requests under way is authenticated again a few times a second.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

from accounts.errors import AuthenticationRefused
from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.gateway.door import Door

LOOK_EVERY_S: Final = 0.25
_NOT_ALLOWED: Final = (401, 403)

_Caller = tuple[int, int | None]


class Watched:
    """One request under way, and why it was ended if it was."""

    def __init__(self, door: Door, task: "asyncio.Task[None]") -> None:
        self._door = door
        self._task = task
        self.refused: ApiError | None = None

    async def look(self) -> bool:
        """Return whether the caller may still ask; if not, end the request."""
        try:
            await self._door.authenticate()
        except AuthenticationRefused as refused:
            self._end(ApiError(401, refused.code, refused.detail))
        except ApiError as error:
            if error.status in _NOT_ALLOWED:  # and not: the database is away
                self._end(error)
        return self.refused is None

    def _end(self, error: ApiError) -> None:
        if self.refused is None:
            self.refused = error
            self._task.cancel()


_watched: Final[dict[_Caller, set[Watched]]] = {}
_vigils: Final[dict[asyncio.AbstractEventLoop, asyncio.Task[None]]] = {}


@contextlib.contextmanager
def watching(door: Door, principal: Principal) -> Iterator[None]:
    """End the block when `principal` may not ask any more: it raises ApiError then, saying why."""
    task = asyncio.current_task()
    assert task is not None
    caller, watched = (principal.user_id, principal.key_id), Watched(door, task)
    _watched.setdefault(caller, set()).add(watched)
    _keep_vigil()
    try:
        yield
    except asyncio.CancelledError:
        if watched.refused is None:
            raise
        task.uncancel()
        raise watched.refused from None
    finally:
        _watched[caller].discard(watched)
        if not _watched[caller]:
            del _watched[caller]


def _keep_vigil() -> None:
    loop = asyncio.get_running_loop()
    task = _vigils.get(loop)
    if task is None or task.done():
        _vigils[loop] = loop.create_task(_keep_looking())


async def _keep_looking() -> None:
    while _watched:
        await asyncio.sleep(LOOK_EVERY_S)
        for group in [list(group) for group in _watched.values()]:
            # One look speaks for all that came with the same key, until it says no.
            if not await group[0].look():
                for watched in group[1:]:
                    await watched.look()
