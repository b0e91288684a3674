"""What fails is answered in JSON wherever an API client looks, and says nothing of our insides."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, ProgrammingError
from django.http import Http404
from django.test import AsyncRequestFactory
from rest_framework.exceptions import Throttled, ValidationError

from aiplatform.errors import ApiError, as_api_error, server_error
from tests.api.doors import CHAT, DOORS, GenerationDoor, refusal
from tests.live_web import LiveWeb, StartWeb

NOWHERE = [
    "/v1/nothing",
    "/v1/",
    "/v1/models/a/b",
    "/v1/chat",
    "/api/v1/nothing",
    "/api/v1/generate",
    "/api/v1/generate/text/more",
    "/health/nothing",
    "/nothing",
    "/v1/%2e%2e/admin",
    "/v1/models/%ff%fe",
]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("address", NOWHERE)
def test_nothing_at_an_address_is_said_in_json(
    live_web: LiveWeb, address: str, method: str
) -> None:
    response = live_web.client().request(method, address)
    assert refusal(response).status in {404, 405}
    assert "<" not in response.text


def test_a_query_that_is_no_utf8_is_no_fault_of_ours(live_web: LiveWeb) -> None:
    assert live_web.client().get("/v1/models?x=%ff%00").status_code == 200


def test_an_unknown_host_is_told_what_to_do(live_web: LiveWeb) -> None:
    response = live_web.client(None).get("/api/schema", headers={"Host": "evil.example"})
    assert response.status_code in {200, 400}
    assert "evil.example" not in response.text


@pytest.mark.parametrize(("address", "openai"), [("/v1/x", True), ("/api/v1/x", False)])
def test_a_fault_of_ours_shows_nothing_of_the_exception(address: str, openai: bool) -> None:
    request = AsyncRequestFactory().get(address)
    try:
        raise RuntimeError("canary")
    except RuntimeError:
        response = server_error(request)
    assert response.status_code == 500
    assert b"canary" not in response.content
    assert b"internal_error" in response.content
    kind = "application/json" if openai else "application/problem+json"
    assert response.headers["Content-Type"] == kind


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_real_fault_at_a_door_is_500_and_only_the_log_says_which(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    (before,) = live_web.sql("SELECT scopes FROM accounts_apikey WHERE name = 'hostile'")
    change = "UPDATE accounts_apikey SET scopes = ? WHERE name = 'hostile'"
    live_web.sql(change, "5")  # no code of ours writes this: whoever reads it stumbles
    try:
        response = live_web.client("eve").post(door.address, json=door.smallest)
        listed = live_web.client("eve").get("/v1/models")
    finally:
        live_web.sql(change, before["scopes"])
    for answer in (response, listed):
        assert (refusal(answer).status, refusal(answer).code) == (500, "internal_error")
        assert "iterable" not in answer.text
        lines = live_web.log_lines(answer.headers["x-request-id"])
        assert any("not iterable" in str(line.get("exception")) for line in lines)


def test_a_model_whose_files_are_broken_says_so_without_saying_where(
    start_web: StartWeb,
) -> None:
    with start_web() as web:
        broken = web.folder / "broken"
        broken.mkdir()
        (broken / "tokenizer.json").write_text('{"canary": 1}')
        web.sql("UPDATE registry_model SET source = ? WHERE name = 'tiny'", f"path:{broken}")
        response = web.client().post(CHAT.address, json=CHAT.smallest)
        assert (refusal(response).status, refusal(response).code) == (503, "model_not_ready")
        assert "canary" not in response.text
        assert str(broken) not in response.text


def test_what_is_raised_becomes_what_a_caller_may_see() -> None:
    def seen(raised: Exception) -> tuple[int, str] | None:
        error = as_api_error(raised)
        return (error.status, error.code) if error else None

    assert seen(Http404("canary")) == (404, "not_found")
    assert seen(PermissionDenied("canary")) == (403, "permission_denied")
    assert seen(ValidationError({"a": ["b"]})) == (400, "invalid_request")
    assert seen(OperationalError("canary")) == (503, "database_unavailable")
    assert seen(ProgrammingError("canary")) is None
    assert seen(RuntimeError("canary")) is None


def test_retry_after_is_whole_seconds_and_never_zero() -> None:
    assert ApiError(503, "x", "y", retry_after=0.01).headers()["Retry-After"] == "1"
    assert ApiError(429, "x", "y", retry_after=2.1).headers()["Retry-After"] == "3"
    throttled = as_api_error(Throttled(wait=7))
    assert throttled is not None
    assert throttled.headers()["Retry-After"] == "7"


def test_the_first_of_many_errors_is_named_by_its_whole_path() -> None:
    error = as_api_error(ValidationError({"a": [{}, {"b": {"c": ["bad"]}}]}))
    assert error is not None
    assert (error.param, error.detail) == ("a[1].b.c", "a[1].b.c: bad")
