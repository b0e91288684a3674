"""Every request of a known caller leaves exactly one row, there before the last byte arrives."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.doors import CHAT, DOORS, GenerationDoor
from tests.live_web import LiveWeb, until

NAMES = {"chat/completions", "completions", "generate/text"}


def row_of(web: LiveWeb, response: httpx.Response) -> dict[str, Any]:
    return web.row(response.headers["x-request-id"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_completed_request_says_who_what_and_how_much(
    live_web: LiveWeb, door: GenerationDoor, stream: bool
) -> None:
    with live_web.client(headers={"User-Agent": "canary/1"}) as client:
        response = client.post(door.address, json=door.asking(stream=stream))
    row = row_of(live_web, response)
    assert (row["username"], row["key_name"], row["model_name"]) == ("ada", "laptop", "tiny")
    assert None not in (row["user_id"], row["api_key_id"], row["model_id"])
    assert row["door"] in NAMES
    assert door.address.endswith(row["door"])
    assert (row["status"], row["finish_reason"], row["error_code"]) == ("completed", "stop", "")
    assert bool(row["stream"]) is stream
    assert row["prompt_tokens"] > 0
    assert row["completion_tokens"] == 5
    assert 0 <= row["ttft_ms"] <= row["duration_ms"]
    assert 0 <= row["overhead_ms"] <= row["duration_ms"]
    assert row["queue_ms"] is not None
    assert row["replica"]
    assert (row["client_address"], row["user_agent"]) == ("127.0.0.1", "canary/1")


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_the_row_is_there_when_done_arrives(live_web: LiveWeb, door: GenerationDoor) -> None:
    with (
        live_web.client() as client,
        client.stream("POST", door.address, json=door.asking(stream=True)) as response,
    ):
        for line in response.iter_lines():
            if line == "data: [DONE]":
                assert row_of(live_web, response)["status"] == "completed"
                return
    pytest.fail("no [DONE] came")


def test_a_refused_request_leaves_a_row_with_the_reason(live_web: LiveWeb) -> None:
    response = live_web.client("eve").post(CHAT.address, json=CHAT.asking(model="asleep"))
    row = row_of(live_web, response)
    assert (row["username"], row["model_name"]) == ("eve", "asleep")
    assert (row["status"], row["error_code"]) == ("refused", "model_not_ready")
    assert row["completion_tokens"] == 0
    assert row["ttft_ms"] is None


def test_a_bad_request_leaves_a_row_as_well(live_web: LiveWeb) -> None:
    response = live_web.client("eve").post(CHAT.address, json=CHAT.asking(temperature=9))
    row = row_of(live_web, response)
    assert (row["status"], row["error_code"]) == ("refused", "invalid_request")


def test_nobody_known_leaves_no_row(live_web: LiveWeb) -> None:
    before = len(live_web.rows())
    response = live_web.client(None).post(CHAT.address, json=CHAT.smallest)
    assert response.status_code == 401
    assert len(live_web.rows()) == before


def test_the_key_is_noted_as_used(live_web: LiveWeb) -> None:
    response = live_web.client("root").post(CHAT.address, json=CHAT.smallest)
    key = row_of(live_web, response)["api_key_id"]
    (row,) = live_web.sql("SELECT last_used_at FROM accounts_apikey WHERE id = ?", key)
    assert row["last_used_at"] is not None


def request_lines(live_web: LiveWeb, request_id: str) -> list[dict[str, Any]]:
    return [line for line in live_web.log_lines(request_id) if line["event"] == "request"]


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_answer_row_and_log_line_share_one_id(live_web: LiveWeb, door: GenerationDoor) -> None:
    response = live_web.client().post(door.address, json=door.smallest)
    request_id = response.headers["x-request-id"]
    assert live_web.row(request_id)
    # It is written after the last byte of the answer.
    asyncio.run(until(lambda: request_lines(live_web, request_id), "the line of the request"))
    (line,) = request_lines(live_web, request_id)
    assert line["request_id"] == request_id
    assert (line["user"], line["model"], line["status"]) == ("ada", "tiny", 200)
    assert (line["outcome"], line["completion_tokens"]) == ("completed", 5)
    assert line["path"] == door.address


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_prompt_and_answer_are_kept_beside_the_row(live_web: LiveWeb, door: GenerationDoor) -> None:
    response = live_web.client().post(door.address, json=door.smallest)
    body = live_web.body(response.headers["x-request-id"])
    assert body is not None
    assert "Hello" in body["prompt"]
    assert body["completion"] == "word " * 5


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_key_that_wants_no_bodies_kept_has_none(live_web: LiveWeb, door: GenerationDoor) -> None:
    response = live_web.client("no bodies").post(door.address, json=door.smallest)
    assert response.status_code == 200
    assert live_web.row(response.headers["x-request-id"])["completion_tokens"] == 5
    assert live_web.body(response.headers["x-request-id"]) is None


def test_no_text_and_no_key_reaches_the_log(live_web: LiveWeb) -> None:
    body = CHAT.asking(messages=[{"role": "user", "content": "canary-of-the-prompt"}])
    live_web.client().post(f"{CHAT.address}?api_key=canary-in-the-query", json=body)
    bad = CHAT.asking(messages=[{"role": "canary-role", "content": "x"}])
    live_web.client().post(CHAT.address, json=bad)
    log = live_web.log_file.read_text()
    assert "canary-of-the-prompt" not in log
    assert "canary-in-the-query" not in log
    assert "canary-role" not in log
    assert not any(key in log for key in live_web.keys.values())
