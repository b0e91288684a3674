"""POST /api/v1/generate/text answers a text, whole and streamed."""

import pytest

from tests.live_web import LiveWeb
from tests.sse import DONE, events

ADDRESS = "/api/v1/generate/text"
TEXT = "word " * 5


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/"])
def test_a_whole_answer_has_every_member(live_web: LiveWeb, address: str) -> None:
    response = live_web.client().post(address, json={"text": "Hello"})
    assert response.status_code == 200
    body = response.json()
    assert body["generated_text"] == TEXT
    assert body["model_used"] == "tiny"
    assert body["finish_reason"] == "stop"
    assert body["id"] == response.headers["x-request-id"]
    assert 0 < body["processing_time"] < 30
    usage = body["usage"]
    assert usage["completion_tokens"] == 5
    assert usage["total_tokens"] == usage["prompt_tokens"] + 5


def test_a_stream_carries_deltas_then_the_rest_of_the_answer(live_web: LiveWeb) -> None:
    response = live_web.client().post(ADDRESS, json={"text": "Hello", "stream": True})
    assert response.headers["content-type"] == "text/event-stream"
    *deltas, closing, done = [event.data for event in events(response.text)]
    assert "".join(delta["delta"] for delta in deltas) == TEXT
    assert closing["finish_reason"] == "stop"
    assert closing["usage"]["completion_tokens"] == 5
    assert closing["id"] == response.headers["x-request-id"]
    assert done == DONE


def test_max_length_counts_new_tokens(live_web: LiveWeb) -> None:
    body = live_web.client().post(ADDRESS, json={"text": "Hello " * 5, "max_length": 3}).json()
    assert body["usage"]["completion_tokens"] == 3
    assert body["finish_reason"] == "length"


def test_a_raw_text_goes_without_the_chat_template(live_web: LiveWeb) -> None:
    def used(raw: bool) -> int:
        response = live_web.client().post(ADDRESS, json={"text": "Hello", "raw": raw})
        return int(response.json()["usage"]["prompt_tokens"])

    assert used(raw=True) < used(raw=False)


def test_a_model_can_be_named(live_web: LiveWeb) -> None:
    body = live_web.client().post(ADDRESS, json={"text": "Hello", "model": "tiny"}).json()
    assert body["model_used"] == "tiny"


def test_the_key_may_come_in_its_own_header(live_web: LiveWeb) -> None:
    headers = {"X-API-Key": live_web.keys["ada"]}
    response = live_web.client(None).post(ADDRESS, json={"text": "Hello"}, headers=headers)
    assert response.status_code == 200
