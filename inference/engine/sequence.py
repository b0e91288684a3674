"""One request on its way through the engine."""

import time
from collections.abc import Hashable
from dataclasses import dataclass, field

from inference.engine.completion_text import CompletionText
from inference.engine.uniforms import UniformStream
from inference.engine.wire import Submit, Usage


@dataclass(eq=False, slots=True)
class Sequence:
    """A request's tokens, where it sits and when what happened. Times are of time.monotonic."""

    connection: Hashable
    request: Submit
    text: CompletionText
    uniforms: UniformStream
    eos_ids: frozenset[int]
    submitted: float = field(default_factory=time.monotonic)
    started: float | None = None
    first_token: float | None = None
    slot: int = -1
    prefilled: int = 0  # prompt tokens whose keys and values are in the cache
    generated: int = 0
    last_token: int = -1
    reason: str = ""  # finish reason, empty while it runs

    @property
    def key(self) -> tuple[Hashable, str]:
        return self.connection, self.request.request_id

    @property
    def cached(self) -> int:
        """Tokens in the cache, and so the position of `last_token`, which is not in it yet."""
        return self.prefilled + max(self.generated - 1, 0)

    def append(self, token: int) -> str:
        """Take the newest token; return the text it makes visible and set `reason` at the end."""
        if self.first_token is None:
            self.first_token = time.monotonic()
        self.generated += 1
        self.last_token = token
        ended = token in self.eos_ids
        shown = "" if ended else self.text.push(token)
        if ended or self.generated >= self.request.max_tokens:
            shown += self.text.finish()
            self.reason = "stop" if ended else "length"
        if self.text.stopped:
            self.reason = "stop"
        return shown

    def usage(self) -> Usage:
        now = time.monotonic()
        return Usage(
            prompt_tokens=len(self.request.prompt),
            completion_tokens=self.generated,
            queue_s=(self.started or now) - self.submitted,
            first_token_s=(self.first_token or now) - self.submitted,
            total_s=now - self.submitted,
        )

    def service_seconds(self) -> float:
        """Return how long it has been worked on, the queue left out."""
        now = time.monotonic()
        return now - (self.started or now)
