"""Managing keys through the API, as the tests of it do."""

import json
from typing import Any, Final

from django.test import Client

from accounts import scopes
from accounts.models import User
from tests.people import caller, key_of

KEYS: Final = "/api/v1/keys"


def manager(user: User, **fields: Any) -> Client:
    """Return a client with a key of `user` that may do all that its user may."""
    return caller(key_of(user, **{"scope": sorted(scopes.ALL), **fields}))


def send(client: Client, method: str, address: str, **body: Any) -> Any:
    """Send `body` as JSON and return the response."""
    return getattr(client, method)(address, json.dumps(body), content_type="application/json")
