"""People who sign in with a password, and tokens as a stranger would forge them."""

import base64
import json
import time
from typing import Any, Final

import jwt
from django.conf import settings
from django.test import Client

from accounts.models import User
from tests.people import person

PASSWORD: Final = "correct horse battery"
TOKEN: Final = "/api/v1/auth/token"
ADDRESS: Final = "/api/v1/models"  # answers whoever is known


def signer(name: str = "ada", **fields: Any) -> User:
    """Return a user with PASSWORD."""
    return person(name, password=PASSWORD, **fields)


def post(address: str, **body: Any) -> Any:
    """Send `body` as JSON, with no credentials."""
    return Client().post(address, json.dumps(body), content_type="application/json")


def signed_in(name: str = "ada", password: str = PASSWORD) -> dict[str, Any]:
    """Return the answer to the right name and password."""
    response = post(TOKEN, username=name, password=password)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def called_with(token: str) -> Any:
    """Return the answer of a door to `token`."""
    return Client(headers={"Authorization": f"Bearer {token}"}).get(ADDRESS)


def claims(token: str) -> dict[str, Any]:
    """Return what a token says, as anybody can read it."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def forged(token: str, *, key: str = "", algorithm: str = "HS256", **changes: Any) -> str:
    """Return `token` with other claims, signed again: with the right key unless one is named."""
    changed = {**claims(token), **changes}
    present = {name: value for name, value in changed.items() if value is not None}
    return jwt.encode(present, key or settings.JWT_SIGNING_KEY, algorithm)


def unsigned(token: str, algorithm: str = "none") -> str:
    """Return `token` with another algorithm named and no signature."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    return f"{header.decode().rstrip('=')}.{token.split('.')[1]}."


def seconds_from_now(seconds: float) -> int:
    """Return a time as claims have it."""
    return int(time.time() + seconds)
