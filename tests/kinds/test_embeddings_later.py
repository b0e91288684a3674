"""POST /api/v1/embeddings with `async: true`: a task, and what the door would have answered."""

from typing import Any, Final

import httpx
import pytest

from tests.kinds.tasks import accepted, ended, stranger
from tests.platform_process import PlatformProcess

ADDRESS: Final = "/api/v1/embeddings"
TEXTS: Final = ["How do I reset my password?", "Where are my invoices?"]


def _ask(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post(ADDRESS, json={"input": TEXTS, **body})


def test_a_task_is_answered_as_the_door_would_have(
    kinds: PlatformProcess, client: httpx.Client
) -> None:
    at_once = _ask(client, dimensions=8).json()
    task_id = accepted(_ask(client, dimensions=8, **{"async": True}))
    done = ended(kinds, task_id)
    assert done["status"] == "completed", done
    assert (done["kind"], done["model"]) == ("native/embeddings", "embeddings")
    result = done["result"]
    assert result.keys() == at_once.keys()
    for later, now in zip(result["embeddings"], at_once["embeddings"], strict=True):
        assert later == pytest.approx(now, abs=1e-5)
    assert result["usage"] == at_once["usage"]
    tokens = at_once["usage"]["prompt_tokens"]
    assert done["usage"] == {
        "prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens
    }  # fmt: skip
    row = client.get(f"/api/v1/requests/{done['request_id']}").json()
    assert (row["door"], row["status"]) == ("embeddings/async", "completed")
    assert (row["charged_tokens"], row["charged_requests"]) == (tokens, 1)


def test_who_watches_is_told_how_it_ended(kinds: PlatformProcess, client: httpx.Client) -> None:
    task_id = accepted(_ask(client, **{"async": True}))
    with client.stream("GET", f"/api/v1/tasks/{task_id}/events") as answer:
        lines = list(answer.iter_lines())
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert events[-1] == "completed"
    assert set(events) <= {"status", "completed"}, "nothing is told of items before their answer"


def test_with_an_idempotency_key_it_is_submitted_once(client: httpx.Client) -> None:
    headers = {"Idempotency-Key": "embed-later"}
    body = {"input": "once", "async": True}
    first = client.post(ADDRESS, json=body, headers=headers)
    again = client.post(ADDRESS, json=body, headers=headers)
    assert accepted(first) == accepted(again)
    assert again.headers["idempotent-replayed"] == "true"
    other = client.post(ADDRESS, json={**body, "input": "twice"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_nobody_else_sees_it(kinds: PlatformProcess, client: httpx.Client) -> None:
    task_id = accepted(_ask(client, **{"async": True}))
    with stranger(kinds) as eve:
        for method, address in (
            ("GET", f"/api/v1/tasks/{task_id}"),
            ("GET", f"/api/v1/tasks/{task_id}/events"),
            ("DELETE", f"/api/v1/tasks/{task_id}"),
        ):
            assert eve.request(method, address).status_code == 404
        assert task_id not in eve.get("/api/v1/tasks").text
    ended(kinds, task_id)


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"async": "true"}, 400, "invalid_request", "async"),
        ({"async": 1}, 400, "invalid_request", "async"),
        ({"async": None}, 400, "invalid_request", "async"),
        ({"async": True, "input": []}, 400, "invalid_request", "input"),
        ({"async": True, "input": "word " * 2_000}, 400, "context_length_exceeded", "input[0]"),
        ({"async": True, "dimensions": 100_000}, 400, "invalid_request", "dimensions"),
        ({"async": True, "model": "nobody's"}, 404, "model_not_found", "model"),
        ({"async": True, "model": "tiny"}, 400, "wrong_task", "model"),
        ({"async": True, "nonsense": 1}, 400, "unknown_parameter", "nonsense"),
    ],
)
def test_what_would_be_refused_later_is_refused_at_once(
    client: httpx.Client, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    answer = _ask(client, **body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"]) == (status, code, param)


def test_an_escaped_name_is_the_same_name_and_false_is_at_once(client: httpx.Client) -> None:
    json = {"Content-Type": "application/json"}
    escaped = b'{"input": "hi", "\\u0061sync": true}'
    accepted(client.post(ADDRESS, content=escaped, headers=json))
    assert _ask(client, **{"async": False}).status_code == 200


def test_openais_door_and_its_batches_know_no_such_parameter(client: httpx.Client) -> None:
    answer = client.post("/v1/embeddings", json={"input": "hi", "async": True})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unknown_parameter"


def test_the_key_needs_the_scopes_of_both(kinds: PlatformProcess) -> None:
    for scope in ("embed", "jobs"):
        key = kinds.must("createkey", "admin", "--name", f"only {scope}", "--scope", scope).strip()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=kinds.base_url, headers=headers) as client:
            assert _ask(client, **{"async": True}).status_code == 403
