"""Two webs on one store and database, and limits that are set past both."""

import contextlib
from collections.abc import Iterator
from typing import Any

import redis

from accounts import key_format
from tests.live_web import LiveWeb, StartWeb


@contextlib.contextmanager
def two_webs(start_web: StartWeb, **environment: str) -> Iterator[tuple[LiveWeb, LiveWeb]]:
    """Run two webs that share everything."""
    with start_web(**environment) as one, one.beside().running() as other:
        yield one, other


def limit_user(web: LiveWeb, name: str, resource: str, window: str, amount: float) -> None:
    """Give a user a limit, as the admin would."""
    web.sql(
        "INSERT INTO accounts_limit (user_id, per, model_name, resource, window, amount) "
        "SELECT id, 'user', '', ?, ?, ? FROM accounts_user WHERE username = ?",
        *(resource, window, str(amount), name),
    )


def price(web: LiveWeb, model: str, amount: float) -> None:
    """Set what a million tokens of a model cost."""
    statement = "UPDATE registry_model SET price_prompt = ?, price_completion = ? WHERE name = ?"
    web.sql(statement, str(amount), str(amount), model)


def revoke(web: LiveWeb, key: str) -> None:
    """Revoke a key, as any process may."""
    parts = key_format.parse(web.keys[key])
    assert parts is not None
    statement = "UPDATE accounts_apikey SET revoked_at = CURRENT_TIMESTAMP WHERE public_id = ?"
    web.sql(statement, parts.public_id)


def counters(web: LiveWeb) -> dict[str, tuple[int, int]]:
    """Return used and reserved of every counter that holds anything."""
    store: Any = redis.Redis.from_url(web.store_url, decode_responses=True)
    found = {}
    for key in store.keys("use:*"):
        used, reserved = store.hmget(key, "u", "r")
        found[key.removeprefix("use:")] = (int(used or 0), int(reserved or 0))
    return {key: held for key, held in found.items() if any(held)}
