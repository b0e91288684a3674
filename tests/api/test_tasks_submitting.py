"""Submitting a job: what is taken, what is refused at once, and once however often it is sent."""

from typing import Any

import httpx
import pytest

from tests.api.doors import refusal
from tests.live_web import LiveWeb

ADDRESS = "/api/v1/generate/async"


def _submit(web: LiveWeb, key: str | None = "ada", **options: Any) -> httpx.Response:
    with web.client(key) as client:
        return client.post(ADDRESS, **options)


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({}, 400, "invalid_request", "text"),
        ([], 400, "invalid_request", None),
        ("text", 400, "invalid_request", None),
        ({"text": 7}, 400, "invalid_request", "text"),
        ({"text": ""}, 400, "invalid_request", "text"),
        ({"text": "a\0b"}, 400, "invalid_request", "text"),
        ({"text": "hi", "stream": True}, 400, "unknown_parameter", "stream"),
        ({"text": "hi", "stream": False}, 400, "unknown_parameter", "stream"),
        ({"text": "hi", "max_length": 0}, 400, "invalid_request", "max_length"),
        ({"text": "hi", "max_length": 10_000}, 400, "invalid_request", "max_length"),
        ({"text": "hi", "model": "nobody's"}, 404, "model_not_found", "model"),
        ({"text": "hi", "model": "disabled"}, 404, "model_not_found", "model"),
        ({"text": "word " * 1_000}, 400, "context_length_exceeded", "text"),
    ],
)
def test_what_would_be_refused_later_is_refused_at_once(
    live_web: LiveWeb, body: Any, status: int, code: str, param: str | None
) -> None:
    told = refusal(_submit(live_web, json=body))
    assert (told.status, told.code, told.param) == (status, code, param)


@pytest.mark.parametrize("content", [b"", b"{", b'{"text": NaN}', b"\xff"])
def test_what_is_not_json_is_refused(live_web: LiveWeb, content: bytes) -> None:
    answer = _submit(live_web, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("key", "status"), [("reader", 403), ("writer", 403), ("revoked", 401), (None, 401)]
)
def test_both_scopes_are_needed(live_web: LiveWeb, key: str | None, status: int) -> None:
    assert _submit(live_web, key, json={"text": "hi"}).status_code == status


def test_with_an_idempotency_key_it_is_submitted_once(live_web: LiveWeb) -> None:
    headers = {"Idempotency-Key": "job-4711"}
    first = _submit(live_web, json={"text": "once"}, headers=headers)
    again = _submit(live_web, json={"text": "once"}, headers=headers)
    assert first.status_code == again.status_code == 202
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    other = refusal(_submit(live_web, json={"text": "another"}, headers=headers))
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    jobs = live_web.sql("SELECT id FROM jobs_job WHERE body LIKE '%\"once\"%'")
    assert len(jobs) == 1


def test_the_model_is_the_one_that_was_the_default(live_web: LiveWeb) -> None:
    task_id = _submit(live_web, json={"text": "hi"}).json()["task_id"]
    with live_web.client() as client:
        found = client.get(f"/api/v1/tasks/{task_id}/").json()
    assert found["model"] == "tiny"
    assert found["kind"] == "generate/text"
    assert found["status"] == "queued"
    assert found["progress"]["queue_position"] >= 0
    assert found["deadline_at"] > found["created_at"]
