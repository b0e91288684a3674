"""POST /v1/completions answers as OpenAI's does, whole and streamed."""

from typing import Any

import pytest

from tests.live_web import LiveWeb
from tests.sse import DONE, events

ADDRESS = "/v1/completions"
TEXT = "word " * 5


def completion(web: LiveWeb, prompt: Any = "Once upon", **fields: Any) -> dict[str, Any]:
    response = web.client().post(ADDRESS, json={"prompt": prompt, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/"])
def test_a_whole_answer_has_every_member_of_openais(live_web: LiveWeb, address: str) -> None:
    body = live_web.client().post(address, json={"prompt": "Once upon"}).json()
    assert body["object"] == "text_completion"
    assert body["id"].startswith("cmpl-")
    expected = {"index": 0, "text": TEXT, "logprobs": None, "finish_reason": "stop"}
    assert body["choices"] == [expected]
    assert body["usage"]["completion_tokens"] == 5


def test_a_stream_carries_text_and_ends_with_done(live_web: LiveWeb) -> None:
    asked = {"prompt": "Once", "stream": True, "stream_options": {"include_usage": True}}
    response = live_web.client().post(ADDRESS, json=asked)
    *chunks, usage, done = [event.data for event in events(response.text)]
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == TEXT
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["completion_tokens"] == 5
    assert done == DONE


def test_a_prompt_may_be_token_ids(live_web: LiveWeb) -> None:
    assert completion(live_web, [5, 6, 7])["usage"]["prompt_tokens"] == 3


@pytest.mark.parametrize("prompt", [["Once upon"], [[5, 6, 7]]])
def test_a_list_with_one_prompt_is_that_prompt(live_web: LiveWeb, prompt: list[Any]) -> None:
    listed = completion(live_web, prompt)["usage"]["prompt_tokens"]
    assert listed == completion(live_web, prompt[0])["usage"]["prompt_tokens"]


def test_the_default_bound_is_sixteen_tokens_as_openais(live_web: LiveWeb) -> None:
    # The canned runner says `length` only where it was given a smaller bound than it has words.
    assert completion(live_web)["choices"][0]["finish_reason"] == "stop"
    assert completion(live_web, max_tokens=4)["choices"][0]["finish_reason"] == "length"
