"""The cast of the tests: people, their keys, and calls made with them."""

from typing import Any

from django.test import Client

from accounts import key_format
from accounts.models import ApiKey, User
from accounts.services import api_key_create


def person(name: str = "ada", **fields: Any) -> User:
    """Return a user; `is_superuser=True` makes an admin."""
    return User.objects.create_user(name, **fields)


def admin_person(name: str = "root") -> User:
    """Return a user who may do everything."""
    return person(name, is_superuser=True, is_staff=True)


def key_of(user: User, **fields: Any) -> str:
    """Return the text of a fresh key of `user`."""
    return api_key_create(user=user, **fields)[1]


def row_of(text: str) -> ApiKey:
    """Return the row of the key `text`."""
    parts = key_format.parse(text)
    assert parts is not None
    return ApiKey.objects.get(public_id=parts.public_id)


def caller(key: str) -> Client:
    """Return a client that sends `key` with every request."""
    return Client(headers={"Authorization": f"Bearer {key}"})
