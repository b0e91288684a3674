"""A refresh token is good for one new pair, and for none after logging out."""

import threading
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.errors import AuthenticationRefused
from accounts.tokens import tokens_flush_expired, tokens_issue, tokens_rotate
from tests.accounts.signed_in import (
    TOKEN,
    called_with,
    claims,
    forged,
    post,
    seconds_from_now,
    signed_in,
    signer,
)
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


@pytest.fixture
def pair() -> dict[str, Any]:
    signer()
    return signed_in()


def refreshed(refresh: str) -> Any:
    return post(f"{TOKEN}/refresh", refresh=refresh)


def test_it_becomes_a_new_pair(pair: dict[str, Any]) -> None:
    new = refreshed(pair["refresh"])
    assert new.status_code == 200
    assert new["Cache-Control"] == "no-store"
    assert called_with(new.json()["access"]).status_code == 200
    assert refreshed(new.json()["refresh"]).status_code == 200


def test_the_old_one_is_spent(pair: dict[str, Any]) -> None:
    assert refreshed(pair["refresh"]).status_code == 200
    again = refreshed(pair["refresh"])
    assert (again.status_code, again.json()["detail"]) == (401, "Invalid token")


def test_an_expired_one_is_told_so(pair: dict[str, Any]) -> None:
    answer = refreshed(forged(pair["refresh"], exp=seconds_from_now(-10)))
    assert (answer.status_code, answer.json()["detail"]) == (401, "Token has expired")


def test_one_that_nobody_was_given_is_invalid(pair: dict[str, Any]) -> None:
    assert refreshed(forged(pair["refresh"], jti="f" * 32)).status_code == 401


def test_logging_out_spends_it(pair: dict[str, Any]) -> None:
    answer = post(f"{TOKEN}/blacklist", refresh=pair["refresh"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert refreshed(pair["refresh"]).status_code == 401
    assert post(f"{TOKEN}/blacklist", refresh=pair["refresh"]).status_code == 401


def test_logging_out_ends_that_sign_in_alone(pair: dict[str, Any]) -> None:
    elsewhere = signed_in()
    post(f"{TOKEN}/blacklist", refresh=pair["refresh"])
    assert refreshed(elsewhere["refresh"]).status_code == 200


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_good_token_tells_its_kind_and_end(pair: dict[str, Any], kind: str) -> None:
    answer = post(f"{TOKEN}/verify", token=pair[kind])
    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["username"]) == (kind, "ada")
    ends = datetime.fromisoformat(body["expires_at"])
    assert ends.timestamp() == claims(pair[kind])["exp"]


def test_a_spent_token_is_no_longer_good(pair: dict[str, Any]) -> None:
    refreshed(pair["refresh"])
    answer = post(f"{TOKEN}/verify", token=pair["refresh"])
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_an_expired_token_is_verified_as_expired(pair: dict[str, Any]) -> None:
    answer = post(f"{TOKEN}/verify", token=forged(pair["access"], exp=seconds_from_now(-10)))
    assert (answer.status_code, answer.json()["detail"]) == (401, "Token has expired")


@pytest.mark.parametrize("action", ["refresh", "verify", "blacklist"])
def test_who_sends_no_token_is_told_the_field(action: str) -> None:
    answer = post(f"{TOKEN}/{action}")
    assert answer.status_code == 400
    assert answer.json()["param"] == ("token" if action == "verify" else "refresh")


@pytest.mark.django_db(transaction=True)
def test_of_several_at_once_one_gets_the_new_pair() -> None:
    refresh = tokens_issue(user=person()).refresh
    outcomes: list[str] = []
    begin = threading.Barrier(8)

    def rotate() -> None:
        begin.wait()
        try:
            tokens_rotate(refresh=refresh)
            outcomes.append("new pair")
        except AuthenticationRefused as refused:
            outcomes.append(refused.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=rotate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["invalid_token"] * 7 + ["new pair"]


def test_what_is_flushed_is_what_has_expired(pair: dict[str, Any]) -> None:
    gone = signed_in()
    refreshed(gone["refresh"])
    OutstandingToken.objects.filter(jti=claims(gone["refresh"])["jti"]).update(
        expires_at=timezone.now()
    )
    assert tokens_flush_expired() == 1
    assert refreshed(pair["refresh"]).status_code == 200


def test_flushing_takes_no_more_queries_for_more_rows() -> None:
    user = person()
    for _ in range(20):
        tokens_issue(user=user)
    OutstandingToken.objects.update(expires_at=timezone.now())
    with CaptureQueriesContext(connection) as queries:
        assert tokens_flush_expired() == 20
    assert len(queries) <= 8
