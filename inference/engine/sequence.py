"""One request on its way through the engine."""

import time
from collections.abc import Hashable
from dataclasses import dataclass, field

from inference.engine.completion_text import CompletionText
from inference.engine.logprobs import Logprobs, Ranked
from inference.engine.submission import Refusal
from inference.engine.uniforms import UniformStream
from inference.engine.vision.pictures import Pictures
from inference.engine.wire import Submit, TokenLogprob, Usage


@dataclass(eq=False, slots=True)
class Sequence:
    """A request's tokens, where it sits and when what happened. Times are of time.monotonic."""

    connection: Hashable
    request: Submit
    text: CompletionText
    uniforms: UniformStream
    eos_ids: frozenset[int]
    logprobs: Logprobs | None = None  # None: not asked for
    pictures: Pictures | None = None
    submitted: float = field(default_factory=time.monotonic)
    started: float | None = None
    first_token: float | None = None
    slot: int = -1
    # Prompt and completion. All are in the cache but, while it decodes, the newest.
    tokens: list[int] = field(init=False)
    cached: int = 0  # tokens whose keys and values are in its slot
    # Of steps that the device is at, see graphs.engine: tokens that they make for it,
    in_flight: int = 0
    ahead: int = 0  # and tokens that they write beyond `cached`.
    reused: int = 0  # prompt tokens that another request had computed already
    oldest: int = 0  # before this, what sliding layers held was overwritten in another's slot
    aged: bool = False  # it runs because its class had waited too long, and so keeps its slot
    generated: int = 0
    last_token: int = -1
    ranked: Ranked | None = None  # the newest token among the others, where logprobs are asked for
    penalty_row: int = -1  # its place in the sampler's table of penalties
    reason: str = ""  # finish reason, empty while it runs
    unread: Refusal | None = None  # why one of its pictures cannot be seen

    def __post_init__(self) -> None:
        self.tokens = list(self.request.prompt)

    @property
    def key(self) -> tuple[Hashable, str]:
        return self.connection, self.request.request_id

    @property
    def written(self) -> int:
        """Return how many of its tokens its slot will hold once all that was asked for is done."""
        return self.cached + self.ahead

    @property
    def bound(self) -> int:
        """Return the most of its tokens that the cache will hold: all but the last."""
        return len(self.request.prompt) + self.request.max_tokens - 1

    @property
    def cost(self) -> float:
        """Return the tokens it may come to; none where it was put back, and is paid for."""
        begun = self.started is not None
        return 0.0 if begun else len(self.request.prompt) + self.request.max_tokens

    @property
    def unused(self) -> float:
        """Return the tokens that it was charged for and did not make."""
        return self.request.max_tokens - self.generated

    def append(self, token: int) -> str:
        """Take the newest token; return the text it makes visible and set `reason` at the end."""
        if self.first_token is None:
            self.first_token = time.monotonic()
        self.cached = len(self.tokens)  # what it was made from is in the cache now
        self.tokens.append(token)
        self.generated += 1
        self.last_token = token
        ended = token in self.eos_ids or token in self.request.stop_token_ids
        shown = "" if ended else self._push(token)
        if ended or self.generated >= self.request.max_tokens:
            shown += self.text.finish()
            self.reason = "stop" if ended else "length"
        if self.text.stopped:
            self.reason = "stop"
        return shown

    def take_logprobs(self) -> list[TokenLogprob]:
        """Return the logprobs of the tokens whose text `append` has shown meanwhile."""
        if self.logprobs is None:
            return []
        if self.reason and not self.text.stopped:
            return self.logprobs.take_all()
        return self.logprobs.take(self.text.shown)

    def _push(self, token: int) -> str:
        if self.logprobs is not None and self.ranked is not None:
            self.logprobs.add(token, self.ranked, self.text.made)
        return self.text.push(token)

    def usage(self) -> Usage:
        now = time.monotonic()
        return Usage(
            prompt_tokens=len(self.request.prompt),
            completion_tokens=self.generated,
            cached_tokens=self.reused,
            queue_s=(self.started or now) - self.submitted,
            first_token_s=(self.first_token or now) - self.submitted,
            total_s=now - self.submitted,
        )

    def prefill_seconds(self) -> float:
        """Return how long its prompt took, until the first token."""
        return (self.first_token or 0.0) - (self.started or 0.0)

    def service_seconds(self) -> float:
        """Return how long it has been worked on, the queue left out."""
        now = time.monotonic()
        return now - (self.started or now)
