"""The secret of a key exists in its owner's hands alone."""

import logging

import pytest
from django.core import serializers
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts import key_format
from accounts.errors import AuthenticationRefused
from accounts.models import ApiKey
from accounts.selectors import principal_of_key
from tests.people import key_of, person, row_of

pytestmark = pytest.mark.django_db


def secret_of(key: str) -> str:
    parts = key_format.parse(key)
    assert parts is not None
    return parts.secret


def test_the_row_of_a_key_holds_no_part_of_its_secret() -> None:
    key = key_of(person())
    stored = serializers.serialize("json", ApiKey.objects.all())
    assert secret_of(key) not in stored
    assert key[-key_format.CHECKSUM_LENGTH :] not in stored


def test_the_database_is_never_told_the_secret() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        key = key_of(person())
        principal_of_key(key)
    assert not [query for query in queries if secret_of(key) in query["sql"]]


def test_no_log_line_tells_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        key = key_of(person())
        principal_of_key(key)
    assert secret_of(key) not in caplog.text


def test_the_digest_is_made_with_the_pepper(settings: Settings) -> None:
    key = key_of(person())
    assert row_of(key).digest == key_format.digest(secret_of(key), settings.API_KEY_PEPPER)


def test_a_key_made_under_an_older_pepper_still_works(settings: Settings) -> None:
    key = key_of(person("ada"))
    settings.API_KEY_OLD_PEPPERS = ["x" * 32, settings.API_KEY_PEPPER]
    settings.API_KEY_PEPPER = "y" * 32
    assert principal_of_key(key).username == "ada"


def test_a_key_made_under_a_forgotten_pepper_does_not(settings: Settings) -> None:
    key = key_of(person())
    settings.API_KEY_PEPPER = "y" * 32
    with pytest.raises(AuthenticationRefused, match="Incorrect API key"):
        principal_of_key(key)
