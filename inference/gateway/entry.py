"""One line of the ledger while it is being written: what the history row will say."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.engine.wire import Finished
from inference.gateway import pricing
from inference.gateway.limits.counters import Amounts
from inference.gateway.limits.peek import LimitState
from inference.gateway.run import Run
from inference.gateway.served import ServedModel
from inference.gateway.spec import ItemsSpec, Spec

CLIENT_CLOSED = 499  # what nginx calls a caller that went away; the first refusals are below 500


class Entry(msgspec.Struct):
    """The columns of `Request` and its body, filled in as the request goes on. Times in ms."""

    id: uuid.UUID
    door: str
    created_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    client_address: str = ""
    user_agent: str = ""
    user_id: int | None = None
    username: str = ""
    api_key_id: int | None = None
    key_name: str = ""
    model_id: int | None = None
    model_name: str = ""
    stream: bool = False
    status: str = ""
    finish_reason: str = ""
    error_code: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    images: int = 0
    queue_ms: float | None = None
    ttft_ms: float | None = None
    duration_ms: float = 0.0
    overhead_ms: float | None = None
    replica: str = ""
    attempts: int = 0
    counted_at: int | None = None
    charged_requests: int = 0
    charged_tokens: int = 0
    charged_images: int = 0
    cost_nano: int = 0
    admission: Any = None  # what the limits said
    worked: bool = False  # whether a replica did anything that is charged for; no column
    limits: list[LimitState] = []  # the same for the headers of the answer; no column
    asked: Any = None  # None: bodies are not stored
    answered: str = ""


class Stopwatch:
    """Times one request from its first line of code here. Seconds, monotonic."""

    def __init__(self) -> None:
        self.began = time.perf_counter()

    def seconds(self, until: float | None = None) -> float:
        return (until or time.perf_counter()) - self.began


def note_caller(entry: Entry, principal: Principal) -> None:
    """Write down who asks."""
    entry.user_id, entry.username = principal.user_id, principal.username
    entry.api_key_id, entry.key_name = principal.key_id, principal.key_name


def note_spec(entry: Entry, spec: Spec, *, store_bodies: bool) -> None:
    """Write down what is asked."""
    entry.model_id, entry.model_name = spec.model.id, spec.model.name
    entry.stream, entry.prompt_tokens = spec.stream, spec.prompt_tokens
    entry.images = spec.images
    entry.asked = spec.asked if store_bodies else None


def note_run(entry: Entry, spec: Spec, run: Run, watch: Stopwatch) -> None:
    """Write down what the replica made, as far as it got."""
    entry.completion_tokens, entry.worked = run.tokens, run.tokens > 0
    if run.first_token_at is not None:
        entry.ttft_ms = watch.seconds(run.first_token_at) * 1000
    ended = run.ended
    usage = getattr(ended, "usage", None)
    if usage is None:
        return
    entry.completion_tokens, entry.cached_tokens = usage.completion_tokens, usage.cached_tokens
    entry.worked = usage.completion_tokens > 0
    if isinstance(spec, ItemsSpec):  # what it did is to read: of so many items as it came to
        entry.prompt_tokens, entry.images = usage.prompt_tokens, usage.images
        entry.worked = usage.prompt_tokens + usage.images > 0
    entry.queue_ms = usage.queue_s * 1000
    entry.overhead_ms = max(0.0, watch.seconds() - usage.total_s) * 1000
    if isinstance(ended, Finished):
        entry.finish_reason = ended.reason


def note_end(entry: Entry, error: ApiError | None, watch: Stopwatch) -> None:
    """Write down how it ended."""
    entry.duration_ms = watch.seconds() * 1000
    if error is None:
        entry.status = "completed"
        return
    entry.error_code = error.code
    # Turned away after it was admitted: the key was revoked while it was answered.
    if error.status == CLIENT_CLOSED or (entry.counted_at and error.status in (401, 403)):
        entry.status, entry.finish_reason = "cancelled", "cancelled"
    else:
        unserved = error.status < 500 or error.code in {"queue_full", "model_not_ready"}
        entry.status = "refused" if unserved else "failed"


def note_charge(entry: Entry, model: ServedModel) -> Amounts:
    """Write down what the request is charged, and return it.

    A request counts as one when it was answered to its end. Tokens count when any were made, then
    those of the prompt too, and so do pictures: what was cancelled before it began costs nothing.
    """
    if entry.worked or entry.status == "completed":
        tokens = entry.prompt_tokens, entry.completion_tokens
        entry.charged_tokens = sum(tokens)
        entry.charged_images = entry.images
        entry.cost_nano = pricing.cost(model, *tokens, entry.images)
    entry.charged_requests = int(entry.status == "completed")
    return Amounts(
        requests=entry.charged_requests,
        tokens=entry.charged_tokens,
        cost=entry.cost_nano,
        images=entry.charged_images,
    )
