"""A job's progress: a stream in the store, written by who works on it, read by who watches it.

A stream and not messages: who comes late, or comes again, reads it from where they were. It ends
with its job's time to live; the row says what came of it for longer.
"""

import uuid
from typing import Any, Final, NamedTuple

import msgspec
import structlog

from aiplatform.store import Unavailable, async_store, blocking_store

log = structlog.get_logger("inference.jobs")

TTL_S: Final = 3600  # since the last event
MAX_EVENTS: Final = 20_000
BEGINNING: Final = "0-0"
_FIELD: Final = b"e"
# While it blocks, a read must be shorter than the store's timeout.
_BLOCK_MS: Final = 1_000
_AT_ONCE: Final = 1_000


class Told(msgspec.Struct, omit_defaults=True):
    """One event: a new status, or text of one choice."""

    status: str = ""
    text: str = ""
    choice: int = 0
    tokens: int = 0  # made for this text
    attempt: int = 0  # of `processing`: the text begins anew


class Event(NamedTuple):
    """What was told and where in the stream it stands."""

    id: str
    told: Told


class Progress(NamedTuple):
    """How far the present attempt is."""

    tokens: int
    text: str  # of the first choice


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Told)


def status_tell(job_id: uuid.UUID, status: str, attempt: int = 0) -> None:
    """Tell a new status. With the store away nobody is told: the row says it."""
    try:
        pipe: Any = blocking_store().pipeline(transaction=False)
        _add(pipe, job_id, Told(status=status, attempt=attempt))
        pipe.execute()
    except Unavailable as error:
        log.warning("job_event_lost", job=str(job_id), reason=type(error).__name__)


async def texts_tell(job_id: uuid.UUID, news: list[Told]) -> None:
    """Tell new text. Raises RedisError."""
    pipe: Any = async_store().pipeline(transaction=False)
    for told in news:
        _add(pipe, job_id, told)
    await pipe.execute()


def progress_read(job_id: uuid.UUID) -> Progress:
    """Return how far the job is. Raises RedisError."""
    entries: Any = blocking_store().xrange(_key(job_id))
    tokens, texts = 0, list[str]()
    for event in _events(entries):
        if event.told.status:
            tokens, texts = 0, []
            continue
        tokens += event.told.tokens
        if event.told.choice == 0:
            texts.append(event.told.text)
    return Progress(tokens, "".join(texts))


async def events_after(job_id: uuid.UUID, last: str, *, wait: bool) -> list[Event]:
    """Return what was told after the event `last`; if asked to, wait a second for the first of it.

    Raises RedisError.
    """
    store: Any = async_store()
    found = await store.xread(
        {_key(job_id): last}, count=_AT_ONCE, block=_BLOCK_MS if wait else None
    )
    return _events(found[0][1]) if found else []


def _add(pipe: Any, job_id: uuid.UUID, told: Told) -> None:
    key = _key(job_id)
    pipe.xadd(key, {_FIELD: _encoder.encode(told)}, maxlen=MAX_EVENTS, approximate=True)
    pipe.expire(key, TTL_S)


def _events(entries: Any) -> list[Event]:
    return [Event(entry_id.decode(), _decoder.decode(held[_FIELD])) for entry_id, held in entries]


def _key(job_id: uuid.UUID) -> str:
    return f"job:{job_id}:events"
