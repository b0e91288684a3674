"""A key is looked up once for many requests, and still stops at once when it is taken back."""

import asyncio
import time

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncRequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.authentication import authenticate
from accounts.errors import AuthenticationRefused
from accounts.models import ApiKey, User
from accounts.principal import Principal
from accounts.services import api_key_revoke
from tests.people import key_of, person, row_of

# Other threads read what the test wrote, so it is committed.
pytestmark = pytest.mark.django_db(transaction=True)


async def call_with(key: str) -> Principal:
    request = AsyncRequestFactory().get("/", headers={"Authorization": f"Bearer {key}"})
    return await authenticate(request)


async def seconds_until_refused(key: str) -> float:
    began = time.monotonic()
    while time.monotonic() - began < 5:
        try:
            await call_with(key)
        except AuthenticationRefused:
            break
        await asyncio.sleep(0.01)
    return time.monotonic() - began


@pytest.fixture
def key() -> str:
    return key_of(person())


async def test_a_revoked_key_stops_working_in_under_a_second(key: str) -> None:
    await call_with(key)
    await sync_to_async(lambda: api_key_revoke(key_id=row_of(key).id))()
    assert await seconds_until_refused(key) < 1


async def test_a_deactivated_user_is_out_in_under_a_second(key: str) -> None:
    await call_with(key)
    await sync_to_async(User.objects.update)(is_active=False)
    assert await seconds_until_refused(key) < 1


async def test_a_deleted_key_stops_working_in_under_a_second(key: str) -> None:
    await call_with(key)
    await sync_to_async(ApiKey.objects.all().delete)()
    assert await seconds_until_refused(key) < 1


async def test_a_key_in_steady_use_is_not_kept_alive_by_its_use(key: str) -> None:
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        await call_with(key)
        await asyncio.sleep(0.01)
    await sync_to_async(lambda: api_key_revoke(key_id=row_of(key).id))()
    assert await seconds_until_refused(key) < 1


async def test_a_second_call_at_once_gets_the_same_principal(key: str) -> None:
    assert await call_with(key) is await call_with(key)


async def test_two_keys_never_share_a_principal(key: str) -> None:
    other = await sync_to_async(lambda: key_of(person("eve")))()
    assert (await call_with(key)).username == "ada"
    assert (await call_with(other)).username == "eve"


async def test_a_key_that_was_refused_is_asked_for_again(key: str) -> None:
    await sync_to_async(User.objects.update)(is_active=False)
    with pytest.raises(AuthenticationRefused):
        await call_with(key)
    await sync_to_async(User.objects.update)(is_active=True)
    assert (await call_with(key)).username == "ada"


def test_looking_up_a_key_its_limits_and_its_weight_takes_three_queries(key: str) -> None:
    from accounts.selectors import principal_of_key

    with CaptureQueriesContext(connections["default"]) as queries:
        principal_of_key(key)
    assert len(queries) == 3
