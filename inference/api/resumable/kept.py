"""One resumable generation in the process that generates it."""

import time
from typing import Final, Protocol

import structlog
from django.conf import settings

from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.store import Unavailable
from inference.api.resumable import record, scribe, watch
from inference.api.resumable.record import Batch, Wanted
from inference.api.resumable.seal import Seal
from inference.gateway import errors

log = structlog.get_logger("aiplatform.resumable")

MAX_BYTES: Final = 16 * 1024 * 1024  # of one generation


class Listener(Protocol):
    """What speaks to the client that began the generation."""

    def stop(self, reason: ApiError | None = None) -> None:
        """Cancel the generation: nobody wants it any more, unless there is another `reason`."""

    def displaced(self) -> None:
        """Another connection has taken it up: hang up on the client, which may be gone anyway."""


class Kept:
    """Keeps what is said beside its being sent, and goes on for a while without a client."""

    def __init__(self, request_id: str, listener: Listener) -> None:
        self.request_id = request_id
        self.seq = 0  # of the last message
        self._listener = listener
        self._seal = Seal(request_id)
        self._unwritten: list[bytes] = []
        self._bytes = 0
        self._kept = False  # where it is not, the generation ends with its connection
        self._ended = False
        self._left_at: float | None = None  # monotonic
        self._client: bytes | None = None  # the last one seen to have taken it up

    async def begin(self, kind: str, principal: Principal, opening: bytes) -> bool:
        """Keep what is said from now on; return whether that is possible."""
        try:
            sealed = self._seal.sealed([opening])
            await record.begin(self.request_id, kind, principal, sealed)
        except Unavailable as error:
            log.warning("not_resumable", request=self.request_id, reason=type(error).__name__)
            return False
        self._kept = True
        watch.over(self)
        return True

    def write(self, message: bytes, *, last: bool = False) -> None:
        """Keep the next message. It is written soon; nobody waits for that."""
        self.seq += 1
        if not self._kept:
            return
        self._unwritten.append(message)
        self._bytes += len(message)
        self._ended = last
        if self._bytes > MAX_BYTES:
            self._give_up()
        else:
            scribe.write_soon(self)

    async def end(self) -> None:
        """Return when all is written, or cannot be."""
        if self._kept:
            await scribe.write_now()

    def leave(self) -> None:
        """The client that began it is gone, perhaps to come back."""
        if self._left_at is None:
            self._left_at = time.monotonic()
        if not self._kept and not self._ended:
            self._listener.stop()

    def unwritten(self) -> Batch | None:
        """Return what is to be written, until `written`."""
        if not self._unwritten:
            return None
        return Batch(self.seq, self._seal.sealed(self._unwritten), self._ended)

    def written(self, batch: Batch) -> None:
        """`batch` is in the store."""
        self._unwritten = self._unwritten[len(self._unwritten) - (self.seq - batch.last) :]
        if batch.ends:
            watch.no_more(self)

    def end_with_process(self) -> None:
        """Nobody can go on with it here."""
        if not self._ended:
            self._listener.stop(errors.restarting())

    def look(self, wanted: Wanted) -> None:
        """Do what others want of it."""
        if wanted.client is not None and wanted.client != self._client:
            self._client, self._left_at = wanted.client, time.monotonic()
            self._listener.displaced()
        if wanted.stop:
            self._listener.stop()
        elif wanted.client is None and self._is_forsaken():
            self._forget()
            self._listener.stop()

    def _is_forsaken(self) -> bool:
        left = self._left_at
        return left is not None and time.monotonic() - left > settings.RESUME_WINDOW_S

    def _forget(self) -> None:
        """Nobody can come back to it from now on."""
        self._kept = False
        self._unwritten = []
        watch.no_more(self)
        scribe.forget_soon(self.request_id)

    def _give_up(self) -> None:
        """It is too long to be kept: what was kept is of no use without the rest."""
        log.warning("too_long_to_resume", request=self.request_id)
        self._forget()
        if self._left_at is not None:
            self._listener.stop()
