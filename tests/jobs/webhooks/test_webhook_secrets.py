"""Secrets of endpoints: sealed for their user alone, replaced by one at a time."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from inference.jobs.webhooks.models import Endpoint
from inference.jobs.webhooks.seal import SecretUnreadable, opened, sealed
from inference.jobs.webhooks.services import ConcurrentChange, endpoint_rotate
from inference.jobs.webhooks.signing import new_secret, secret_text
from tests.jobs.webhooks.hooks import endpoint_of
from tests.people import person

SECRET = new_secret()


def test_what_is_sealed_opens_for_its_user() -> None:
    assert opened(sealed(SECRET, user_id=7), user_id=7) == SECRET


def test_nothing_of_a_secret_is_in_its_seal_and_no_two_seals_are_alike() -> None:
    one, two = sealed(SECRET, user_id=7), sealed(SECRET, user_id=7)
    assert one != two
    assert SECRET[:8] not in one


def test_for_another_user_it_does_not_open() -> None:
    with pytest.raises(SecretUnreadable):
        opened(sealed(SECRET, user_id=7), user_id=8)


def test_with_another_key_it_does_not_open(settings: Settings) -> None:
    kept = sealed(SECRET, user_id=7)
    settings.SECRET_KEY = "another key of at least thirty-two characters"
    with pytest.raises(SecretUnreadable):
        opened(kept, user_id=7)


@pytest.mark.parametrize("place", [0, 20, -1])
def test_what_was_changed_does_not_open(place: int) -> None:
    kept = bytearray(sealed(SECRET, user_id=7))
    kept[place] ^= 1
    with pytest.raises(SecretUnreadable):
        opened(bytes(kept), user_id=7)


@pytest.mark.django_db
def test_of_two_that_rotate_at_once_one_does() -> None:
    endpoint, first = endpoint_of(person("ada"), "https://hooks.example/")
    as_both_read_it = Endpoint.objects.get()
    second = endpoint_rotate(endpoint=endpoint, overlap=timedelta(hours=1))
    with pytest.raises(ConcurrentChange):
        endpoint_rotate(endpoint=as_both_read_it, overlap=timedelta(hours=1))
    kept = Endpoint.objects.get()
    assert kept.old_secret is not None
    found = [opened(bytes(one), user_id=kept.user_id) for one in (kept.secret, kept.old_secret)]
    assert [secret_text(one) for one in found] == [second, first]
