"""Requests that carry an `Idempotency-Key`, and runners that count what is asked of them."""

import itertools
from typing import Any, Final

import httpx

from tests.api.doors import CHAT, GenerationDoor

REPLAYED: Final = "idempotent-replayed"
_numbers: Final = itertools.count()


def fresh_key() -> str:
    """Return a key that no other test uses."""
    return f"order-{next(_numbers)}-of-the-tests"


async def post(
    client: httpx.AsyncClient, key: str, door: GenerationDoor = CHAT, /, **fields: Any
) -> httpx.Response:
    """Post the door's smallest body with `fields` under `key`."""
    headers = {"Idempotency-Key": key}
    return await client.post(door.address, json=door.asking(**fields), headers=headers)


def is_replay(response: Any) -> bool:
    """Return whether an answer, of httpx or of Django's client, says that it is given again."""
    return str(response.headers.get(REPLAYED)) == "true"
