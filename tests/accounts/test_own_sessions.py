"""Sessions know whose they are: their owner sees and ends them, and time ends the rest."""

from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from accounts.own_sessions import (
    session_end,
    sessions_end_others,
    sessions_flush_expired,
    sessions_of,
)
from accounts.session_store import SessionStore
from tests.accounts.signed_in import PASSWORD, signer

pytestmark = pytest.mark.django_db
KEYS = "/account/keys"


def begun(user: User, agent: str = "Firefox") -> Client:
    """Return a browser that has just signed in."""
    client = Client(headers={"User-Agent": agent})
    body = {"username": user.username, "password": PASSWORD}
    assert client.post("/account/sign-in", body).status_code == 302
    return client


@pytest.fixture(autouse=True)
def _unlimited(settings: object) -> None:
    settings.RATES = {  # type: ignore[attr-defined]
        group: {"address": [], "name": []}
        for group in settings.RATES  # type: ignore[attr-defined]
    }


def test_one_sees_where_one_is_signed_in() -> None:
    ada, eve = signer("ada"), signer("eve")
    here = begun(ada)
    begun(ada, "Chromium " + "x" * 500)
    begun(eve)
    found = sessions_of(user_id=ada.pk, current=here.session)
    assert sorted(one.agent[:8] for one in found) == ["Chromium", "Firefox"]
    assert [one.is_this for one in found if one.agent == "Firefox"] == [True]
    assert max(len(one.agent) for one in found) == 200
    assert all(one.address == "127.0.0.1" and one.began for one in found)
    assert not any(str(here.session.session_key) in str(one) for one in found)


def test_ending_a_session_signs_out_there_alone() -> None:
    ada = signer("ada")
    here, there = begun(ada), begun(ada, "Chromium")
    (other,) = (one for one in sessions_of(user_id=ada.pk, current=here.session) if not one.is_this)
    assert session_end(user_id=ada.pk, handle=other.handle)
    assert not session_end(user_id=ada.pk, handle=other.handle)
    assert here.get(KEYS).status_code == 200
    assert there.get(KEYS).status_code == 302


def test_nobody_ends_anothers_session() -> None:
    ada, eve = signer("ada"), signer("eve")
    here = begun(ada)
    (own,) = sessions_of(user_id=ada.pk, current=here.session)
    assert not session_end(user_id=eve.pk, handle=own.handle)
    assert sessions_end_others(user_id=eve.pk, current=begun(eve).session) == 0
    assert here.get(KEYS).status_code == 200


def test_expired_sessions_are_flushed_and_live_ones_stay() -> None:
    ada = signer("ada")
    here = begun(ada)
    old = SessionStore()
    old[SESSION_KEY] = str(ada.pk)
    old.create()
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(session_key=old.session_key).update(expire_date=past)
    assert sessions_flush_expired() == 1
    assert sessions_flush_expired() == 0
    assert here.get(KEYS).status_code == 200


def test_deleting_a_user_ends_their_sessions() -> None:
    ada = signer("ada")
    here = begun(ada)
    ada.delete()
    assert Session.objects.count() == 0
    assert here.get(KEYS).status_code == 302
