"""The patrol: looks at every open socket a few times a second, and closes those that must be.

One task for all of them: a timer of its own for each frame or socket would cost more than frames.
"""

import asyncio
import contextlib
import time
from collections.abc import Sized
from typing import Final, Protocol

from django.conf import settings
from django.db import Error as DatabaseAway

from accounts.errors import AuthenticationRefused
from aiplatform.errors import ApiError
from aiplatform.metrics import websockets_open
from aiplatform.store import Unavailable
from inference.api.websocket import closing
from inference.api.websocket.caller import Caller
from inference.api.websocket.line import Line
from inference.api.websocket.places import Place, renew

# With the time for which a principal is kept this makes less than a second, twice this included.
LOOK_EVERY_S: Final = 0.2
WAIT_EVERY_S: Final = 0.9  # at most so often who waits too long is looked for
INTRODUCE_WITHIN_S: Final = 10.0
_NOT_ALLOWED: Final = (401, 403)
_RENEWALS_A_LEASE: Final = 3


class Watched(Protocol):
    """An open socket."""

    line: Line
    caller: Caller
    place: Place | None
    active_at: float  # monotonic; of the client's last message, or while anything is under way

    @property
    def under_way(self) -> Sized:
        """What the client waits for."""


_open: Final[set[Watched]] = set()
_refused: Final[set[Watched]] = set()
_patrols: Final[dict[asyncio.AbstractEventLoop, asyncio.Task[None]]] = {}


def watch(socket: Watched) -> None:
    """Look after `socket` until `forget`."""
    _open.add(socket)
    websockets_open.set(len(_open))
    loop = asyncio.get_running_loop()
    task = _patrols.get(loop)
    if task is None or task.done():
        _patrols[loop] = loop.create_task(_keep_looking())


def forget(socket: Watched) -> None:
    """It is closed."""
    _open.discard(socket)
    websockets_open.set(len(_open))
    _refused.discard(socket)


async def _keep_looking() -> None:
    renewed_at = time.monotonic()
    patience = _Patience()
    while _open:
        await asyncio.sleep(LOOK_EVERY_S)
        if time.monotonic() - renewed_at > settings.LEASE_TTL_S / _RENEWALS_A_LEASE:
            renewed_at = time.monotonic()
            with contextlib.suppress(Unavailable):  # then there is no lease to lose either
                await renew([socket.place for socket in _open if socket.place])
        await _close_refused()
        if time.monotonic() - patience.now > WAIT_EVERY_S:
            patience = _Patience()
            await _close_idle(patience)


async def _close_refused() -> None:
    # Asked once for all that came with one credential, and for all of them at once.
    callers = {socket.caller.shown: socket.caller for socket in _open}
    reasons = await asyncio.gather(*map(_why_not, callers.values()))
    refusals = {shown: why for shown, why in zip(callers, reasons, strict=True) if why}
    if not refusals:
        return
    for socket in [socket for socket in _open if socket.caller.shown in refusals]:
        # What runs is ended by the gateway's own vigil, which tells the client and the history why.
        if socket in _refused or not len(socket.under_way):
            refusal = refusals[socket.caller.shown]
            await socket.line.close(closing.NOT_AUTHENTICATED, refusal)
        else:
            _refused.add(socket)


async def _close_idle(patience: "_Patience") -> None:
    for socket in list(_open):
        if found := _fault(socket, patience):
            await socket.line.close(*found)


class _Patience:
    """How long is too long, in seconds; read once a look."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.stalled: int = settings.WEBSOCKET_STALL_S
        self.idle: int = settings.WEBSOCKET_IDLE_S
        self.unknown = min(INTRODUCE_WITHIN_S, self.idle)


def _fault(socket: Watched, patience: _Patience) -> tuple[int, str] | None:
    """Return the code and reason to close the socket with, if there is one."""
    if socket.line.stalled_s > patience.stalled:
        return closing.TOO_SLOW, "What was sent was not taken for too long."
    if len(socket.under_way):
        socket.active_at = patience.now
        return None
    idle_s = patience.now - socket.active_at
    if idle_s > patience.unknown and socket.caller.credential is None:
        return closing.NOT_AUTHENTICATED, "No credentials came in time."
    if idle_s > patience.idle:
        return closing.IDLE, "Nothing was asked for too long."
    return None


async def _why_not(caller: Caller) -> str:
    """Return why the caller may not call any more; nothing where it may, or is not known yet."""
    if caller.credential is None:
        return ""
    try:
        await caller.authenticate()
    except AuthenticationRefused as refused:
        return refused.code
    except ApiError as error:
        return error.code if error.status in _NOT_ALLOWED else ""
    except DatabaseAway:
        return ""  # nobody is known to be revoked
    return ""
