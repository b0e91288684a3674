"""Tokens that are forged, foreign, early, late or broken open nothing."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncRequestFactory
from hypothesis import given
from hypothesis import strategies as st

from accounts.authentication import authenticate
from accounts.errors import AuthenticationRefused
from accounts.tokens import user_of_access_token
from tests.accounts.signed_in import (
    TOKEN,
    called_with,
    forged,
    post,
    seconds_from_now,
    signed_in,
    signer,
    unsigned,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


@pytest.fixture
def pair() -> dict[str, Any]:
    signer()
    return signed_in()


def refusal_of(token: str) -> dict[str, Any]:
    response = called_with(token)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    return body


def test_an_expired_token_is_told_so(pair: dict[str, Any]) -> None:
    body = refusal_of(forged(pair["access"], exp=seconds_from_now(-10)))
    assert (body["detail"], body["code"]) == ("Token has expired", "token_expired")


FORGERIES: dict[str, Callable[[str], str]] = {
    "no algorithm": unsigned,
    "no algorithm, other case": lambda token: unsigned(token, "nOnE"),
    "no signature": lambda token: unsigned(token, "HS256"),
    "another algorithm": lambda token: forged(token, algorithm="HS512"),
    "a wrong key": lambda token: forged(token, key="k" * 48),
    "a wrong issuer": lambda token: forged(token, iss="somebody else"),
    "no issuer": lambda token: forged(token, iss=None),
    "a wrong audience": lambda token: forged(token, aud="another platform"),
    "no audience": lambda token: forged(token, aud=None),
    "made in the future": lambda token: forged(token, iat=seconds_from_now(60)),
    "not yet good": lambda token: forged(token, nbf=seconds_from_now(60)),
    "without end": lambda token: forged(token, exp=None),
    "without id": lambda token: forged(token, jti=None),
    "without user": lambda token: forged(token, sub=None),
    "a user who is not there": lambda token: forged(token, sub="999999"),
    "a user who is no number": lambda token: forged(token, sub="ada"),
    "a kind there is not": lambda token: forged(token, token_type="sliding"),
    "no kind": lambda token: forged(token, token_type=None),
    "another password": lambda token: forged(token, hash_password="0" * 32),
    "no password": lambda token: forged(token, hash_password=None),
    "a changed signature": lambda token: token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"),
    "cut short": lambda token: token[:-1],
    "a megabyte": lambda token: token + "A" * 1_000_000,
    "a megabyte in the middle": lambda token: token.replace(".", "." + "A" * 1_000_000, 1),
    "non-ASCII": lambda token: token[:-3] + "ключ",
    "Latin-1": lambda token: token[:-3] + "\xff\xfe",
    "half a surrogate": lambda token: token[:-3] + "\ud800",
    "NUL": lambda token: token[:-3] + "\0",
    "more parts": lambda token: token + ".AAAA",
    "a newline": lambda token: token.replace(".", ".\n", 1),
    "nothing but its beginning": lambda token: "eyJ",
    "a header that is deeply nested": lambda token: "eyJ" + "bWzBb" * 20_000 + ".e30.",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_invalid(pair: dict[str, Any], forge: Callable[[str], str]) -> None:
    body = refusal_of(forge(pair["access"]))
    assert (body["detail"], body["code"]) == ("Invalid token", "invalid_token")
    assert sys.getsizeof(str(body)) < 1000


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_refresh_token_gets_nothing(
    pair: dict[str, Any], forge: Callable[[str], str]
) -> None:
    response = post(f"{TOKEN}/refresh", refresh=forge(pair["refresh"]).replace("\ud800", "é"))
    assert response.status_code in (400, 401)
    assert b"access" not in response.content


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_the_asynchronous_way_in_refuses_it_alike(forge: Callable[[str], str]) -> None:
    from asgiref.sync import sync_to_async

    from tests.people import person

    def issue() -> str:
        from accounts.tokens import tokens_issue

        return tokens_issue(user=person()).access

    request = AsyncRequestFactory().get("/")
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {forge(await sync_to_async(issue)())}"
    with pytest.raises(AuthenticationRefused, match="Invalid token"):
        await authenticate(request)


def test_a_small_difference_of_clocks_is_forgiven(pair: dict[str, Any]) -> None:
    assert called_with(forged(pair["access"], iat=seconds_from_now(2))).status_code == 200


def test_a_refresh_token_is_no_access_token(pair: dict[str, Any]) -> None:
    assert refusal_of(pair["refresh"])["code"] == "invalid_token"


def test_an_access_token_is_no_refresh_token(pair: dict[str, Any]) -> None:
    for action in ("refresh", "blacklist"):
        response = post(f"{TOKEN}/{action}", refresh=pair["access"])
        assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


@given(st.binary(max_size=400).map(lambda raw: "eyJ" + raw.decode("latin-1")) | st.text())
def test_no_text_at_all_is_more_than_refused(text: str) -> None:
    with pytest.raises(AuthenticationRefused):
        user_of_access_token(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64"]), inner),
        max_leaves=6,
    )
)
def test_no_header_at_all_is_more_than_refused(header: object) -> None:
    import base64
    import json

    text = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    with pytest.raises(AuthenticationRefused):
        user_of_access_token(f"{text}.e30.AAAA")
