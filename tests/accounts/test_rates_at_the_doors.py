"""Rates hold over all processes: for signing in by either way, and for callers without a key."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
import pytest

from accounts import scopes
from tests.live_web import LiveWeb, StartWeb

TOKEN: Final = "/api/v1/auth/token"
WEEK_S: Final = 7 * 86_400
_addresses: Final = itertools.count(1)


@pytest.fixture(scope="module")
def webs(start_web: StartWeb) -> Iterator[list[LiveWeb]]:
    # No window ends while the tests run. Behind a proxy, each test says which address it has.
    with (
        start_web(
            TRUST_PROXY_HEADERS="true",
            SIGN_IN_RATES_BY_NAME="4/9999d",
            ANONYMOUS_RATES="6/9999d",
            KEY_CREATION_RATES_BY_NAME="3/9999d",
        ) as one,
        one.beside().running() as other,
    ):
        yield [one, other]


@pytest.fixture
def address() -> dict[str, str]:
    return _address()


def _address() -> dict[str, str]:
    return {"X-Forwarded-For": f"198.51.100.{next(_addresses)}"}


def guess(web: LiveWeb, name: str, headers: dict[str, str]) -> httpx.Response:
    body = {"username": name, "password": "a guess"}
    return web.client(None, headers=headers).post(TOKEN, json=body)


def assert_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"
    assert int(answer.headers["retry-after"]) > WEEK_S
    assert answer.headers["retry-after"] in answer.json()["detail"]


def test_guesses_at_one_name_are_counted_over_processes_and_addresses(
    webs: list[LiveWeb],
) -> None:
    with ThreadPoolExecutor(12) as pool:
        calls = [pool.submit(guess, webs[n % 2], "victim", _address()) for n in range(12)]
    answers = [call.result() for call in calls]
    assert Counter(answer.status_code for answer in answers) == {401: 4, 429: 8}
    for answer in answers:
        if answer.status_code == 429:
            assert_refused(answer)


def test_the_admin_and_the_api_count_guesses_together(webs: list[LiveWeb]) -> None:
    with webs[0].client(None, headers=_address()) as browser:
        browser.get("/admin/login/")
        form = {
            "username": "shared",
            "password": "a guess",
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        shown = [browser.post("/admin/login/", data=form).status_code for _ in range(2)]
        assert shown == [200, 200]  # the form again, with its error
        assert [guess(webs[1], "shared", _address()).status_code for _ in range(2)] == [401, 401]
        assert_refused(browser.post("/admin/login/", data=form))
        assert browser.get("/admin/login/").status_code == 200  # looking at it is no attempt
    assert_refused(guess(webs[1], "Shared", _address()))


def test_callers_without_a_key_are_counted_over_all_public_endpoints(
    webs: list[LiveWeb], address: dict[str, str]
) -> None:
    seen = [
        guess(webs[0], "somebody", address).status_code,
        *(web.client(None, headers=address).get("/api/docs").status_code for web in webs),
        *(web.client(None, headers=address).get("/api/redoc").status_code for web in webs),
        webs[0].client(None, headers=address).get("/api/schema").status_code,
    ]
    assert seen == [401, 200, 200, 200, 200, 200]
    for path in ("/api/docs", "/api/schema", "/api/redoc/"):
        assert_refused(webs[1].client(None, headers=address).get(path))
    assert_refused(guess(webs[1], "somebody else", address))


def test_a_good_key_is_not_counted_and_a_wrong_one_is(
    webs: list[LiveWeb], address: dict[str, str]
) -> None:
    known = webs[0].client("ada", headers=address)
    assert {known.get("/api/docs").status_code for _ in range(8)} == {200}
    stranger = webs[0].client(None, headers={**address, "Authorization": "Bearer eyJ.e30."})
    answers = [stranger.get("/api/docs").status_code for _ in range(8)]
    assert answers == [200] * 6 + [429] * 2


def test_keys_are_made_so_often_and_no_oftener(webs: list[LiveWeb]) -> None:
    admin = json.dumps(sorted(scopes.ALL))
    webs[0].sql("UPDATE accounts_apikey SET scopes = ? WHERE name = 'laptop'", admin)
    calls = [web.client("ada", headers=_address()) for web in webs * 3]
    answers = [client.post("/api/v1/keys", json={"name": "one more"}) for client in calls]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 3
    for answer in answers[3:]:
        assert_refused(answer)


def test_health_and_metrics_are_for_everyone_always(
    webs: list[LiveWeb], address: dict[str, str]
) -> None:
    client = webs[0].client(None, headers=address)
    for path in ("/health/live", "/metrics"):
        assert {client.get(path).status_code for _ in range(8)} == {200}


def test_switched_off_sign_up_says_so(webs: list[LiveWeb], address: dict[str, str]) -> None:
    body = {"username": "newcomer", "password": "correct horse battery"}
    answer = webs[0].client(None, headers=address).post("/api/v1/auth/sign-up", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_up_disabled")
