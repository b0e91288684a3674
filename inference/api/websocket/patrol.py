"""The patrol: looks at every open socket a few times a second, and closes those that must be.

One task for all of them: a timer of its own for each frame or socket would cost more than frames.
"""

import asyncio
import time
from typing import Final, Protocol

from django.conf import settings
from django.db import Error as DatabaseAway

from accounts.errors import AuthenticationRefused
from aiplatform.errors import ApiError
from inference.api.websocket import closing
from inference.api.websocket.caller import Caller
from inference.api.websocket.credential import Credential
from inference.api.websocket.generations import Generations
from inference.api.websocket.line import Line

# With the time for which a principal is kept this makes less than a second, twice this included.
LOOK_EVERY_S: Final = 0.2
INTRODUCE_WITHIN_S: Final = 10.0
_NOT_ALLOWED: Final = (401, 403)

_Verdicts = dict[tuple[Credential, str], str]  # why, or nothing


class Watched(Protocol):
    """An open socket."""

    line: Line
    caller: Caller
    generations: Generations
    heard_at: float  # monotonic; of the client's last message, or of the opening


_open: Final[set[Watched]] = set()
_refused: Final[set[Watched]] = set()
_patrols: Final[dict[asyncio.AbstractEventLoop, asyncio.Task[None]]] = {}


def watch(socket: Watched) -> None:
    """Look after `socket` until `forget`."""
    _open.add(socket)
    loop = asyncio.get_running_loop()
    task = _patrols.get(loop)
    if task is None or task.done():
        _patrols[loop] = loop.create_task(_keep_looking())


def forget(socket: Watched) -> None:
    """It is closed."""
    _open.discard(socket)
    _refused.discard(socket)


async def _keep_looking() -> None:
    while _open:
        await asyncio.sleep(LOOK_EVERY_S)
        verdicts: _Verdicts = {}
        for socket in list(_open):
            await _look(socket, verdicts)


async def _look(socket: Watched, verdicts: _Verdicts) -> None:
    line, silent_s = socket.line, time.monotonic() - socket.heard_at
    if line.stalled_s > settings.WEBSOCKET_STALL_S:
        await line.close(closing.TOO_SLOW, "What was sent was not taken for too long.")
    elif socket.caller.credential is None:
        if silent_s > min(INTRODUCE_WITHIN_S, settings.WEBSOCKET_IDLE_S):
            await line.close(closing.NOT_AUTHENTICATED, "No credentials came in time.")
    elif why := await _verdict(socket.caller, verdicts):
        # What runs is ended by the gateway's own vigil, which tells the client and the history why.
        if socket in _refused or not len(socket.generations):
            await line.close(closing.NOT_AUTHENTICATED, why)
        _refused.add(socket)
    elif not len(socket.generations) and silent_s > settings.WEBSOCKET_IDLE_S:
        await line.close(closing.IDLE, "Nothing was asked for too long.")


async def _verdict(caller: Caller, verdicts: _Verdicts) -> str:
    """Return why the caller may not call any more, asked once a look for all with one key."""
    assert caller.credential is not None
    shown = (caller.credential, caller.address)
    if shown not in verdicts:
        verdicts[shown] = await _why_not(caller)
    return verdicts[shown]


async def _why_not(caller: Caller) -> str:
    try:
        await caller.authenticate()
    except AuthenticationRefused as refused:
        return refused.code
    except ApiError as error:
        return error.code if error.status in _NOT_ALLOWED else ""
    except DatabaseAway:
        return ""  # nobody is known to be revoked
    return ""
