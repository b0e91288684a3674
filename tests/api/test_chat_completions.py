"""POST /v1/chat/completions answers as OpenAI's does, whole and streamed."""

from typing import Any

import pytest

from tests.live_web import LiveWeb
from tests.sse import DONE, events

ADDRESS = "/v1/chat/completions"
ASKED = {"messages": [{"role": "user", "content": "Hello there"}]}
TEXT = "word " * 5


def streamed(web: LiveWeb, **fields: Any) -> list[Any]:
    response = web.client().post(ADDRESS, json={**ASKED, "stream": True, **fields})
    assert response.status_code == 200
    return [event.data for event in events(response.text)]


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/"])
def test_a_whole_answer_has_every_member_of_openais(live_web: LiveWeb, address: str) -> None:
    response = live_web.client().post(address, json=ASKED)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["object"] == "chat.completion"
    assert body["model"] == "tiny"
    assert body["id"] == f"chatcmpl-{response.headers['x-request-id']}"
    (choice,) = body["choices"]
    assert choice["index"] == 0
    assert choice["message"] == {"role": "assistant", "content": TEXT}
    assert choice["finish_reason"] == "stop"
    usage = body["usage"]
    assert usage["completion_tokens"] == 5
    assert usage["total_tokens"] == usage["prompt_tokens"] + 5 > 5


def test_a_stream_begins_with_the_role_and_ends_with_done(live_web: LiveWeb) -> None:
    first, *between, last, done = streamed(live_web)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in between) == TEXT
    assert last["choices"][0]["delta"] == {}
    assert last["choices"][0]["finish_reason"] == "stop"
    assert done == DONE


def test_every_chunk_of_a_stream_is_of_one_completion(live_web: LiveWeb) -> None:
    *chunks, _ = streamed(live_web)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]


def test_a_stream_tells_its_usage_only_when_asked(live_web: LiveWeb) -> None:
    assert not any("usage" in chunk for chunk in streamed(live_web)[:-1])
    *chunks, last, _ = streamed(live_web, stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 5
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + 5


def test_a_stream_may_not_be_cached_or_held_back_by_proxies(live_web: LiveWeb) -> None:
    response = live_web.client().post(ADDRESS, json={**ASKED, "stream": True})
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_answer_cut_at_max_tokens_says_length(live_web: LiveWeb, name: str) -> None:
    body = live_web.client().post(ADDRESS, json={**ASKED, name: 2}).json()
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["choices"][0]["message"]["content"] == "word word "
    assert body["usage"]["completion_tokens"] == 2
    assert streamed(live_web, **{name: 2})[-2]["choices"][0]["finish_reason"] == "length"


def test_the_newer_name_of_the_bound_wins_over_the_older(live_web: LiveWeb) -> None:
    asked = {**ASKED, "max_tokens": 1, "max_completion_tokens": 3}
    assert live_web.client().post(ADDRESS, json=asked).json()["usage"]["completion_tokens"] == 3


def test_text_parts_count_as_the_text_they_make(live_web: LiveWeb) -> None:
    parts = [{"type": "text", "text": "Hello "}, {"type": "text", "text": "there"}]
    asked = {"messages": [{"role": "user", "content": parts}]}
    used = live_web.client().post(ADDRESS, json=asked).json()["usage"]["prompt_tokens"]
    plain = live_web.client().post(ADDRESS, json=ASKED).json()["usage"]["prompt_tokens"]
    assert used == plain


def test_a_developer_message_is_a_system_message(live_web: LiveWeb) -> None:
    def used(role: str) -> int:
        messages = [{"role": role, "content": "Be brief."}, *ASKED["messages"]]
        response = live_web.client().post(ADDRESS, json={"messages": messages})
        return int(response.json()["usage"]["prompt_tokens"])

    assert used("developer") == used("system") > used("user") - 20


def test_null_stands_for_a_parameter_left_out(live_web: LiveWeb) -> None:
    names = (
        "model max_tokens max_completion_tokens temperature top_p top_k seed stop stream "
        "stream_options tools n logit_bias response_format user metadata"
    )
    response = live_web.client().post(ADDRESS, json={**ASKED, **dict.fromkeys(names.split())})
    assert response.status_code == 200, response.text
    assert response.json()["model"] == "tiny"


def test_a_body_sent_in_chunks_is_read_as_well(live_web: LiveWeb) -> None:
    pieces = iter([b'{"messages": [{"role": "user", ', b'"content": "Hello there"}]}'])
    headers = {"Content-Type": "application/json"}
    response = live_web.client().post(ADDRESS, content=pieces, headers=headers)
    assert response.status_code == 200, response.text


def test_an_answer_says_what_the_platform_added(live_web: LiveWeb) -> None:
    overhead = live_web.client().post(ADDRESS, json=ASKED).headers["x-overhead-ms"]
    assert 0 < float(overhead) < 10_000
