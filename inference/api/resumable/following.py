"""Following a generation from the message one is at, in whichever process it is generated."""

import asyncio
import time
from collections import deque
from typing import Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.store import Unavailable
from inference.api.resumable import follower, record, watch
from inference.api.resumable.record import Batch, Head, Standing, Wanted
from inference.api.resumable.seal import Seal

# A client may be ahead of the store for as long as it takes to write.
_WRITTEN_WITHIN_S: Final = 1.0
_LOOK_EVERY_S: Final = 0.05
_SIGNS_MISSED: Final = 3


class TakenUp(Exception):
    """Another connection has taken the generation up."""


class BeyondTheEnd(Exception):
    """A client says that it has more than was said. `said`: the last there is."""

    def __init__(self, said: int) -> None:
        super().__init__(f"{said} messages were said")
        self.said = said


class Message:
    """What was said. `ends`: nothing comes after it."""

    __slots__ = ("ends", "seq", "text")

    def __init__(self, seq: int, text: bytes, *, ends: bool) -> None:
        self.seq, self.text, self.ends = seq, text, ends


async def follow(request_id: str, kind: str, principal: Principal, seq: int) -> "Following":
    """Take up the principal's generation after the message `seq`.

    Raises ApiError and BeyondTheEnd.
    """
    try:
        head = await record.find(request_id, kind, principal)
        is_over = await _check(request_id, seq)
        client = await record.take(request_id)
    except Unavailable as error:
        raise record.store_away() from error
    watch.notice(request_id, Wanted(client, stop=False))
    return Following(request_id, head, client, seq, is_over=is_over)


async def stop(request_id: str, kind: str, principal: Principal) -> None:
    """Stop the principal's generation, wherever it is. Raises ApiError."""
    try:
        await record.find(request_id, kind, principal)
        await record.stop(request_id)
    except Unavailable as error:
        raise record.store_away() from error
    watch.notice(request_id, Wanted(None, stop=True))


class Following:
    """An async iterator of messages, each once and in order, up to the last."""

    def __init__(
        self, request_id: str, head: Head, client: bytes, seq: int, *, is_over: bool
    ) -> None:
        self.request_id = request_id
        self.web = head.web
        self.read_to = seq
        self._seal = Seal(request_id)
        (self.opening,) = self._seal.opened(head.opening) or [b""]
        self._client = client
        self._messages: deque[Message] = deque()
        self._failure: Exception | None = None
        self.is_over = is_over  # `seq` is the last there will be
        self._signs_missed = 0
        self._wake = asyncio.Event()
        follower.begin(self)

    def __aiter__(self) -> "Following":
        return self

    async def __anext__(self) -> Message:
        """Return the next message. Raises TakenUp, and ApiError where no more can come."""
        while not self._messages:
            if self._failure is not None:
                raise self._failure
            if self.is_over:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        message = self._messages.popleft()
        self.is_over = message.ends
        return message

    def leave(self) -> None:
        """The client is gone; another has the window to come back."""
        follower.end(self)

    @property
    def is_hungry(self) -> bool:
        """Whether it wants to be read for: a slow client holds no more than was read at once."""
        return not self._messages and not self.is_over

    def take(self, batches: list[Batch]) -> None:
        """Take what was read after `read_to`."""
        for batch in batches:
            texts = self._seal.opened(batch.sealed)
            first = batch.last - len(texts) + 1
            if first > self.read_to + 1 or not texts:
                self.fail(record.NotResumable())
                return
            for seq, text in enumerate(texts, first):
                if seq > self.read_to:
                    ends = batch.ends and seq == batch.last
                    self._messages.append(Message(seq, text, ends=ends))
            self.read_to = batch.last
        self._wake.set()

    def look(self, standing: Standing) -> None:
        """See whether it still is this client's, and whether anybody still generates."""
        if standing.client is None:
            self.fail(record.NotResumable())
        elif standing.client != self._client:
            self.fail(TakenUp())
        # Everything that was said before is read meanwhile.
        self._signs_missed = 0 if standing.web_lives else self._signs_missed + 1
        if self._signs_missed > _SIGNS_MISSED and self.is_hungry:
            self.fail(_web_lost())

    def displace(self) -> None:
        """Another connection to this process has taken it up."""
        self.fail(TakenUp())

    def fail(self, failure: Exception) -> None:
        """Nothing more comes but what is here already."""
        if self._failure is None:
            self._failure = failure
        self._wake.set()


async def _check(request_id: str, seq: int) -> bool:
    """Return whether `seq` is the end. Raises BeyondTheEnd unless that many messages were said."""
    deadline = time.monotonic() + _WRITTEN_WITHIN_S
    while True:
        last = await record.last_of(request_id)
        said, ends = (last.last, last.ends) if last else (0, False)
        if seq <= said:
            return ends and seq == said
        if ends or time.monotonic() > deadline:
            raise BeyondTheEnd(said)
        await asyncio.sleep(_LOOK_EVERY_S)


def _web_lost() -> ApiError:
    detail = "The process that generated this is gone. Ask again."
    return ApiError(503, "generation_lost", detail, retry_after=1)
