"""Looks a few times a second what other processes want of the generations of this one.

One question to the store for all of them, whether their clients are there or not.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from aiplatform.lifespan import at_end
from aiplatform.store import Unavailable
from inference.api.resumable import record
from inference.api.resumable.record import Wanted

if TYPE_CHECKING:
    from inference.api.resumable.kept import Kept

LOOK_EVERY_S: Final = 0.25
_NOTHING: Final = Wanted(None, False)

_watched: Final[dict[str, "Kept"]] = {}
_watches: Final[dict[asyncio.AbstractEventLoop, asyncio.Task[None]]] = {}


def over(kept: "Kept") -> None:
    """Look after `kept` until `no_more`."""
    _watched[kept.request_id] = kept
    loop = asyncio.get_running_loop()
    task = _watches.get(loop)
    if task is None or task.done():
        _watches[loop] = loop.create_task(_keep_looking())


def no_more(kept: "Kept") -> None:
    """It has ended, or is not kept any more."""
    _watched.pop(kept.request_id, None)


def notice(request_id: str, wanted: Wanted) -> None:
    """See at once what this process itself was told, where it generates that."""
    if kept := _watched.get(request_id):
        kept.look(wanted)


async def _keep_looking() -> None:
    while _watched:
        await asyncio.sleep(LOOK_EVERY_S)
        watched = list(_watched.values())
        try:
            found = await record.wanted([kept.request_id for kept in watched])
        except Unavailable:
            found = [_NOTHING] * len(watched)  # nobody can come back while the store is away
        for kept, wanted in zip(watched, found, strict=True):
            kept.look(wanted)


@at_end
async def stop_what_nobody_hears() -> None:
    """The process ends: whoever follows elsewhere is told so, and the rest is settled."""
    for kept in list(_watched.values()):
        kept.end_with_process()
