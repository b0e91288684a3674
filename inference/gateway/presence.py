"""Which models somebody waits for now: what batches look at before they take idle capacity.

A mark in the store that dies by itself, written at most twice a second by each process.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Final

import structlog

from aiplatform.store import Unavailable, async_store

log = structlog.get_logger(__name__)

LASTS_S: Final = 3.0  # after the last text that somebody waited for
_AGAIN_S: Final = 0.5

_noted: Final[dict[str, float]] = {}
_writing: Final[set[asyncio.Task[None]]] = set()


def presence_note(model: str) -> None:
    """Mark that somebody waits for the model. Does not wait for the store."""
    now = time.monotonic()
    if now - _noted.get(model, -_AGAIN_S) < _AGAIN_S:
        return
    _noted[model] = now
    task = asyncio.create_task(_write(model))
    _writing.add(task)
    task.add_done_callback(_writing.discard)


async def presences(models: Iterable[str]) -> set[str]:
    """Return those of the models that somebody waits for, or just did. Raises RedisError."""
    names = list(models)
    store: Any = async_store()
    marks = await store.mget([_key(name) for name in names]) if names else []
    return {name for name, mark in zip(names, marks, strict=True) if mark is not None}


async def _write(model: str) -> None:
    store: Any = async_store()
    try:
        await store.set(_key(model), b"1", px=int(LASTS_S * 1000))
    except Unavailable as error:  # then no batch finds it idle either
        log.debug("presence_not_noted", reason=type(error).__name__)


def _key(model: str) -> str:
    return f"presence:{model}"
