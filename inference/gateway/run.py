"""One generation on one replica: what its choices say as it comes, coalesced while nobody takes it.

A choice is a request of its own to the runner.
"""

import asyncio
import time
from collections.abc import Sequence

from inference.engine import wire
from inference.gateway.answered import Piece


class ReplicaLost(Exception):
    """The replica cannot be reached, or went away while it was answering."""


class ReplicaRefused(Exception):
    """The replica answered `Failed`. `failed` says why."""

    def __init__(self, failed: wire.Failed) -> None:
        super().__init__(failed.detail)
        self.failed = failed


class _Choice:
    """What one of the runner's requests has made that nobody has taken yet."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._texts: list[str] = []
        self._tokens = 0
        self._logprobs: list[wire.TokenLogprob] = []
        self._outputs: list[tuple[int, wire.Output]] = []
        self.accepted: wire.Accepted | None = None
        self.ended: wire.Finished | wire.Failed | None = None
        self.has_news = False

    def push(self, delta: wire.Delta) -> None:
        self._texts.append(delta.text)
        self._tokens += delta.tokens
        self._logprobs += delta.logprobs
        self.has_news = True

    def push_outputs(self, outputs: wire.Outputs) -> None:
        self._outputs += outputs.items
        self.has_news = True

    def end(self, how: wire.Finished | wire.Failed) -> None:
        self.ended = how
        if isinstance(how, wire.Finished):
            self._texts.append(how.text)
            self.has_news = True

    def take(self) -> Piece:
        reason = self.ended.reason if isinstance(self.ended, wire.Finished) else ""
        text = "".join(self._texts)
        piece = Piece(self._index, text, self._tokens, self._logprobs, reason, self._outputs)
        self._texts, self._tokens, self._logprobs, self._outputs = [], 0, [], []
        self.has_news = False
        return piece


class Run:
    """An async iterator of pieces. A slow taker gets fewer, longer ones; nothing is ever lost.

    What may wait here is bounded by the text of one answer, so the connection never has to stop
    reading on behalf of one slow client.
    """

    def __init__(self, request_ids: Sequence[str]) -> None:
        """`request_ids` are the runner's, one a choice."""
        self._choices = {request_id: _Choice(n) for n, request_id in enumerate(request_ids)}
        self._lost: ReplicaLost | None = None
        self._failed: wire.Failed | None = None  # the first choice that was
        self._unended = len(self._choices)
        self._wake: asyncio.Future[None] | None = None  # while somebody waits for news
        self.first_token_at: float | None = None  # monotonic seconds
        self.tokens = 0  # made so far, by all choices

    def accept(self, accepted: wire.Accepted) -> None:
        """The runner has one choice in its queue."""
        self._choices[accepted.request_id].accepted = accepted
        self._rouse()

    def push(self, delta: wire.Delta) -> None:
        """New text of one choice from the runner."""
        if self.first_token_at is None:
            self.first_token_at = time.perf_counter()
        self.tokens += delta.tokens
        self._choices[delta.request_id].push(delta)
        self._rouse()

    def push_outputs(self, outputs: wire.Outputs) -> None:
        """Answers to items from the runner."""
        self._choices[outputs.request_id].push_outputs(outputs)
        self._rouse()

    def end(self, how: wire.Finished | wire.Failed | ReplicaLost) -> None:
        """Nothing more comes of one choice, or of any where the replica is lost."""
        if isinstance(how, ReplicaLost):
            self._lost, self._unended = how, 0
        else:
            self._choices[how.request_id].end(how)
            self._unended -= 1
        if isinstance(how, wire.Failed):
            self._failed = self._failed or how
        self._rouse()

    @property
    def accepted(self) -> wire.Accepted | None:
        """What the runner said of the last choice in its queue, once it has them all."""
        accepted = [choice.accepted for choice in self._choices.values()]
        return accepted[-1] if all(accepted) else None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return not self._unended

    @property
    def ended(self) -> wire.Finished | wire.Failed | ReplicaLost | None:
        """How it ended, once every choice has, with the usage of all of them."""
        if self._unended:
            return None
        if self._lost is not None:
            return self._lost
        return _all_of([choice.ended for choice in self._choices.values() if choice.ended])

    async def started(self) -> None:
        """Wait until the runner accepted every choice or said why not.

        Raises ReplicaLost or ReplicaRefused.
        """
        while self.accepted is None and self._unended:
            self._raise_failure()
            await self._news()
        self._raise_failure()

    async def wait_ended(self) -> None:
        """Wait until nothing more comes, dropping what does."""
        while self._unended:
            await self._news()

    def __aiter__(self) -> "Run":
        return self

    async def __anext__(self) -> Piece:
        """Return what is new of one choice. Raises ReplicaLost or ReplicaRefused."""
        while True:
            for choice in self._choices.values():
                if choice.has_news:
                    return choice.take()
            self._raise_failure()
            if not self._unended:
                raise StopAsyncIteration
            await self._news()

    def _news(self) -> asyncio.Future[None]:
        """Return what is done when something comes. One at a time waits for it."""
        self._wake = asyncio.get_running_loop().create_future()
        return self._wake

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _raise_failure(self) -> None:
        if self._lost is not None:
            raise self._lost
        if self._failed is not None:
            raise ReplicaRefused(self._failed)


def _all_of(ends: list[wire.Finished | wire.Failed]) -> wire.Finished | wire.Failed:
    """Return one end for all choices: a failure if any failed."""
    if len(ends) == 1 and ends[0].usage is not None:
        return ends[0]
    usages = [end.usage for end in ends if end.usage is not None]
    usage = _total(usages) if usages else None
    for end in ends:
        if isinstance(end, wire.Failed):
            return wire.Failed(end.request_id, end.code, end.detail, usage)
    reasons = {end.reason for end in ends if isinstance(end, wire.Finished)}
    # Of several reasons, the one that says that something is missing.
    reason = next(one for one in ("cancelled", "length", *sorted(reasons)) if one in reasons)
    return wire.Finished(ends[0].request_id, reason, usage or wire.Usage(0, 0))


def _total(usages: list[wire.Usage]) -> wire.Usage:
    """Return the usage of all choices: the prompt is counted once, as OpenAI does."""
    return wire.Usage(
        prompt_tokens=usages[0].prompt_tokens,
        completion_tokens=sum(usage.completion_tokens for usage in usages),
        cached_tokens=usages[0].cached_tokens,
        queue_s=min(usage.queue_s for usage in usages),
        first_token_s=min(usage.first_token_s for usage in usages),
        total_s=max(usage.total_s for usage in usages),
        images=usages[0].images,
    )
