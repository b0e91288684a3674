"""One generation on one replica: its deltas as they come, coalesced while nobody takes them."""

import asyncio
import time

from inference.engine import wire


class ReplicaLost(Exception):
    """The replica cannot be reached, or went away while it was answering."""


class ReplicaRefused(Exception):
    """The replica answered `Failed`. `failed` says why."""

    def __init__(self, failed: wire.Failed) -> None:
        super().__init__(failed.detail)
        self.failed = failed


class Run:
    """An async iterator of deltas. A slow taker gets fewer, longer ones; nothing is ever lost.

    What may wait here is bounded by the text of one answer, so the connection never has to stop
    reading on behalf of one slow client.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._tokens = 0
        self._wake = asyncio.Event()
        self.accepted: wire.Accepted | None = None
        self.ended: wire.Finished | wire.Failed | ReplicaLost | None = None
        self.first_token_at: float | None = None  # monotonic seconds
        self.tokens = 0  # made so far

    def accept(self, accepted: wire.Accepted) -> None:
        """The runner has it in its queue."""
        self.accepted = accepted
        self._wake.set()

    def push(self, delta: wire.Delta) -> None:
        """New text from the runner."""
        if self.first_token_at is None:
            self.first_token_at = time.perf_counter()
        self._texts.append(delta.text)
        self._tokens += delta.tokens
        self.tokens += delta.tokens
        self._wake.set()

    def end(self, how: wire.Finished | wire.Failed | ReplicaLost) -> None:
        """Nothing more comes."""
        self.ended = how
        if isinstance(how, wire.Finished) and how.text:
            self._texts.append(how.text)
        self._wake.set()

    async def started(self) -> wire.Accepted | None:
        """Wait until the runner accepted the request or said why not.

        Raises ReplicaLost or ReplicaRefused.
        """
        while self.accepted is None and self.ended is None:
            await self._woken()
        if self.accepted is None:
            self._raise_failure()
        return self.accepted

    async def wait_ended(self) -> None:
        """Wait until nothing more comes, dropping what does."""
        while self.ended is None:
            await self._woken()

    def __aiter__(self) -> "Run":
        return self

    async def __anext__(self) -> tuple[str, int]:
        """Return new text and how many tokens were made for it, possibly none of either."""
        while not self._texts and self.ended is None:
            await self._woken()
        if self._texts:
            taken, tokens = "".join(self._texts), self._tokens
            self._texts.clear()
            self._tokens = 0
            return taken, tokens
        self._raise_failure()
        raise StopAsyncIteration

    async def _woken(self) -> None:
        self._wake.clear()
        await self._wake.wait()

    def _raise_failure(self) -> None:
        if isinstance(self.ended, wire.Failed):
            raise ReplicaRefused(self.ended)
        if isinstance(self.ended, ReplicaLost):
            raise self.ended
