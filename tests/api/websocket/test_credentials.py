"""Who may open a socket, by what, and until when."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from websockets.exceptions import InvalidStatus

from tests.accounts.signed_in import forged, seconds_from_now
from tests.api.websocket.clients import Message, opened, socket
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb

SIGNING_KEY: Final = "the signing key of these tests alone"
PASSWORD: Final = "correct horse battery"
ENDLESS: Final = Script(tokens=100_000, interval_s=0.1)


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(
        JWT_SIGNING_KEY=SIGNING_KEY, JWT_LEEWAY_S="0", CSRF_TRUSTED_ORIGINS="https://ours.example"
    ) as one:
        digest = PBKDF2PasswordHasher().encode(PASSWORD, "salt-of-the-tests-only")
        one.sql("UPDATE accounts_user SET password = ?", digest)
        yield one


def access_token(web: LiveWeb, name: str, seconds: float = 600) -> str:
    body = {"username": name, "password": PASSWORD}
    pair = web.client(None).post("/api/v1/auth/token", json=body).json()
    return forged(pair["access"], key=SIGNING_KEY, exp=seconds_from_now(seconds))


def signed_in(web: LiveWeb) -> httpx.Client:
    """Return a browser in which root has signed in."""
    browser = web.client(None, follow_redirects=True)
    page = browser.get("/admin/login/").text
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    form = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
    browser.post("/admin/login/", data=form)
    assert "sessionid" in browser.cookies
    return browser


def cookie(browser: httpx.Client) -> dict[str, str]:
    return {"Cookie": f"sessionid={browser.cookies['sessionid']}"}


async def introduced(web: LiveWeb, token: str) -> Message:
    async with opened(web) as client:
        await client.say("authenticate", token=token)
        message = await client.next()
        if message["type"] == "error":
            assert (await client.closed())[0] == 4401
        return message


async def refused(web: LiveWeb, **options: Any) -> tuple[int, dict[str, Any]]:
    """Return the HTTP answer to an opening that is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with opened(web, **options):
            pass
    response = caught.value.response
    return response.status_code, json.loads(response.body or b"")


async def test_a_key_in_the_first_message_names_its_user(web: LiveWeb) -> None:
    message = await introduced(web, web.keys["ada"])
    assert message["type"] == "authenticated"
    assert (message["user"], message["key"], message["version"]) == ("ada", "laptop", 1)
    assert message["expires_at"] is None
    assert message["max_generations"] == 32


async def test_a_token_in_the_first_message_says_when_it_has_to_be_replaced(web: LiveWeb) -> None:
    message = await introduced(web, access_token(web, "ada", 100))
    assert (message["user"], message["key"]) == ("ada", None)
    assert 90 < message["expires_at"] - time.time() < 110


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("expired", "expired_api_key"),
        ("revoked", "revoked_api_key"),
        ("deactivated", "inactive_user"),
    ],
)
async def test_a_key_that_is_no_longer_good_closes_the_socket(
    web: LiveWeb, name: str, code: str
) -> None:
    error = await introduced(web, web.keys[name])
    assert (error["type"], error["code"], error["status"]) == ("error", code, 401)


async def test_an_expired_and_a_false_token_close_the_socket(web: LiveWeb) -> None:
    error = await introduced(web, access_token(web, "ada", -1))
    assert (error["code"], error["detail"]) == ("token_expired", "Token has expired")
    assert (await introduced(web, "eyJ" + "x" * 100_000))["code"] == "invalid_token"
    assert (await introduced(web, "x" * 100_000))["code"] == "invalid_api_key"


async def test_nothing_is_asked_before_somebody_is_known(web: LiveWeb) -> None:
    async with opened(web) as client:
        await client.ask("a")
        error = await client.next()
        assert (error["code"], error["status"]) == ("not_authenticated", 401)
        assert (await client.closed())[0] == 4401


async def test_a_key_may_come_as_a_subprotocol(web: LiveWeb) -> None:
    offered = ["aiplatform.v1", f"bearer.{web.keys['ada']}"]
    async with opened(web, subprotocols=offered) as client:
        assert client.connection.subprotocol == "aiplatform.v1"
        assert (await client.next())["user"] == "ada"
    offered = ["aiplatform.v1", f"bearer.{web.keys['revoked']}"]
    async with opened(web, subprotocols=offered) as client:
        assert (await client.next())["code"] == "revoked_api_key"
        assert await client.closed() == (4401, "revoked_api_key")


async def test_another_version_of_the_protocol_is_refused(web: LiveWeb) -> None:
    status, body = await refused(web, subprotocols=["aiplatform.v9"])
    assert (status, body["code"]) == (400, "unknown_subprotocol")


async def test_a_key_may_come_in_a_header(web: LiveWeb) -> None:
    bearer = {"Authorization": f"Bearer {web.keys['ada']}"}
    async with opened(web, additional_headers=bearer) as client:
        assert (await client.next())["user"] == "ada"


async def test_a_query_is_refused_and_not_logged(web: LiveWeb) -> None:
    for path in ("/ws/generate", "/ws/elsewhere"):
        address = f"ws://127.0.0.1:{web.port}{path}?token={web.keys['eve']}"
        status, body = await refused(web, address=address)
        assert (status, body["code"]) == (400, "query_not_allowed")
        assert "first message" in body["detail"]
    assert web.keys["eve"] not in web.log_file.read_text()


async def test_there_is_nothing_at_another_address(web: LiveWeb) -> None:
    status, body = await refused(web, address=f"ws://127.0.0.1:{web.port}/ws/elsewhere")
    assert (status, body["code"]) == (404, "not_found")


async def test_a_session_is_taken_from_our_own_pages_alone(web: LiveWeb) -> None:
    headers = cookie(signed_in(web))
    for origin in (web.base_url, "https://ours.example"):
        async with opened(web, origin=origin, additional_headers=headers) as client:
            message = await client.next()
            assert (message["type"], message["user"]) == ("authenticated", "root")
    foreign: list[str | None] = [
        "https://evil.example",
        "https://ours.example.evil.example",
        f"http://127.0.0.1:{web.port + 1}",
        f"https://127.0.0.1:{web.port}",
        "null",
        None,
    ]
    for other in foreign:
        status, body = await refused(web, origin=other, additional_headers=headers)
        assert (status, body["code"]) == (403, "origin_not_allowed"), other


async def test_a_rebound_host_is_no_origin_of_ours(web: LiveWeb) -> None:
    headers = {**cookie(signed_in(web)), "Host": f"evil.example:{web.port}"}
    options = {"origin": f"http://evil.example:{web.port}", "additional_headers": headers}
    status, _ = await refused(web, **options)
    assert status == 403


async def test_a_key_is_taken_from_any_page(web: LiveWeb) -> None:
    async with opened(web, origin="https://elsewhere.example") as client:
        await client.say("authenticate", token=web.keys["ada"])
        assert (await client.next())["type"] == "authenticated"


async def test_a_session_that_is_none_closes_the_socket(web: LiveWeb) -> None:
    for text in ("x" * 32, "", "../../etc/passwd", "x" * 5_000):
        headers = {"Cookie": f"sessionid={text}"}
        async with opened(web, origin=web.base_url, additional_headers=headers) as client:
            assert (await client.next())["code"] == "session_ended"
            assert (await client.closed())[0] == 4401


async def test_signing_out_closes_the_socket(web: LiveWeb) -> None:
    browser = signed_in(web)
    options = {"origin": web.base_url, "additional_headers": cookie(browser)}
    async with opened(web, **options) as client:
        assert (await client.next())["type"] == "authenticated"
        form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post("/admin/logout/", data=form).status_code == 200
        assert await client.closed() == (4401, "session_ended")


async def test_a_key_without_the_scope_generates_nothing(web: LiveWeb) -> None:
    async with socket(web, "reader") as client:
        await client.ask("a")
        error = await client.of("a")
        assert (error["code"], error["status"]) == ("scope_missing", 403)


def revoke(web: LiveWeb, key: str) -> None:
    public_id = web.keys[key].split("_")[1]
    statement = "UPDATE accounts_apikey SET revoked_at = '2026-01-01' WHERE public_id = ?"
    web.sql(statement, public_id)


async def test_revoking_a_key_closes_its_idle_sockets_within_a_second(web: LiveWeb) -> None:
    async with socket(web, "soon revoked") as client, socket(web, "ada") as other:
        await asyncio.to_thread(revoke, web, "soon revoked")
        began = time.monotonic()
        assert await client.closed() == (4401, "revoked_api_key")
        assert time.monotonic() - began < 2  # on a busy machine
        await other.say("ping")
        assert (await other.next())["type"] == "pong"


async def test_revoking_a_key_in_mid_stream_says_why_and_is_kept(web: LiveWeb) -> None:
    async with web.runner(ENDLESS) as runner, socket(web, "to be revoked") as client:
        await client.ask("a", runner.model)
        await client.of("a", "delta")
        await asyncio.to_thread(revoke, web, "to be revoked")
        error = await client.of("a", "error")
        assert (error["code"], error["status"]) == ("revoked_api_key", 401)
        row = web.row(error["request_id"])
        assert (row["status"], row["error_code"]) == ("cancelled", "revoked_api_key")
        assert row["completion_tokens"] == runner.counters.tokens
        assert await client.closed() == (4401, "revoked_api_key")


async def test_a_token_is_replaced_in_mid_stream(web: LiveWeb) -> None:
    async with web.runner(ENDLESS) as runner, opened(web) as client:
        await client.say("authenticate", token=access_token(web, "ada", 6))
        expires_at = (await client.of_type("authenticated"))["expires_at"]
        await client.ask("a", runner.model)
        await client.of("a", "delta")
        await client.say("authenticate", token=access_token(web, "ada", 600))
        await client.of_type("authenticated")
        while time.time() < expires_at + 1.5:
            assert (await client.next())["type"] == "delta"
        await client.say("cancel", id="a")
        assert (await client.of("a", "finished"))["finish_reason"] == "cancelled"


async def test_a_token_that_is_not_replaced_ends_what_it_asked_for(web: LiveWeb) -> None:
    async with web.runner(ENDLESS) as runner, opened(web) as client:
        await client.say("authenticate", token=access_token(web, "eve", 2))
        await client.of_type("authenticated")
        await client.ask("a", runner.model)
        assert (await client.of("a", "error"))["code"] == "token_expired"
        assert await client.closed() == (4401, "token_expired")


async def test_a_socket_stays_its_callers_own(web: LiveWeb) -> None:
    async with socket(web) as client:
        for name in ("eve", "manager"):  # another user, and another key of the same one
            await client.say("authenticate", token=web.keys[name])
            error = await client.next()
            assert (error["code"], error["status"]) == ("another_caller", 403)
        await client.say("authenticate", token=web.keys["revoked"])
        assert (await client.next())["code"] == "revoked_api_key"
        await client.say("authenticate", token=web.keys["ada"])
        assert (await client.next())["user"] == "ada"


async def test_no_key_or_message_is_in_the_log(start_web: StartWeb) -> None:
    with start_web(LOG_LEVEL="DEBUG") as web:
        offered = ["aiplatform.v1", f"bearer.{web.keys['ada']}"]
        async with opened(web, subprotocols=offered) as client:
            await client.ask("a", messages=[{"role": "user", "content": "the canary sings"}])
            await client.of("a", "error")
        with contextlib.suppress(InvalidStatus):
            async with opened(web, address=f"ws://127.0.0.1:{web.port}/ws/generate?k=canary"):
                pass
        async with socket(web, "eve"):
            pass
        log = web.log_file.read_text()
        assert '"websocket"' in log
        for secret in (web.keys["ada"], web.keys["eve"], "canary"):
            assert secret not in log
