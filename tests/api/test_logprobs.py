"""Logprobs at each door, in the words of its protocol, whole and streamed."""

from typing import Any

from tests.api.doors import CHAT, COMPLETIONS, NATIVE, GenerationDoor
from tests.live_web import LiveWeb
from tests.sse import events

WORD = {"token": "word ", "logprob": -0.5, "bytes": list(b"word ")}
OTHER = {"token": "other1", "logprob": -1.5, "bytes": list(b"other1")}


def whole(web: LiveWeb, door: GenerationDoor, **fields: Any) -> Any:
    response = web.client().post(door.address, json=door.asking(**fields))
    assert response.status_code == 200, response.text
    return response.json()


def streamed(web: LiveWeb, door: GenerationDoor, **fields: Any) -> list[Any]:
    response = web.client().post(door.address, json=door.asking(stream=True, **fields))
    return [event.data for event in events(response.text)][:-1]


def test_a_chat_completion_has_a_member_for_each_token(live_web: LiveWeb) -> None:
    body = whole(live_web, CHAT, logprobs=True, top_logprobs=2)
    content = body["choices"][0]["logprobs"]["content"]
    assert content == [{**WORD, "top_logprobs": [WORD, OTHER]}] * 5


def test_without_alternatives_only_the_token_itself_is_named(live_web: LiveWeb) -> None:
    body = whole(live_web, CHAT, logprobs=True)
    assert body["choices"][0]["logprobs"]["content"] == [{**WORD, "top_logprobs": []}] * 5


def test_they_are_null_where_nobody_asked(live_web: LiveWeb) -> None:
    for door in (CHAT, COMPLETIONS):
        assert whole(live_web, door)["choices"][0]["logprobs"] is None
        assert whole(live_web, door, logprobs=None)["choices"][0]["logprobs"] is None
    assert whole(live_web, CHAT, logprobs=False)["choices"][0]["logprobs"] is None
    assert "logprobs" not in whole(live_web, NATIVE)


def test_a_chat_stream_carries_them_with_their_text(live_web: LiveWeb) -> None:
    chunks = streamed(live_web, CHAT, logprobs=True, top_logprobs=1)
    choices = [chunk["choices"][0] for chunk in chunks]
    for choice in choices:
        named = [one["token"] for one in (choice["logprobs"] or {"content": []})["content"]]
        assert "".join(named) == choice["delta"].get("content", "")
    assert sum(len(choice["logprobs"]["content"]) for choice in choices if choice["logprobs"]) == 5


def test_a_completion_has_a_list_of_each_member(live_web: LiveWeb) -> None:
    logprobs = whole(live_web, COMPLETIONS, logprobs=1)["choices"][0]["logprobs"]
    assert logprobs == {
        "tokens": ["word "] * 5,
        "token_logprobs": [-0.5] * 5,
        "top_logprobs": [{"word ": -0.5}] * 5,
        "text_offset": [0, 5, 10, 15, 20],
    }


def test_a_completions_stream_counts_its_offsets_on(live_web: LiveWeb) -> None:
    chunks = streamed(live_web, COMPLETIONS, logprobs=0, n=2)
    offsets: dict[int, list[int]] = {0: [], 1: []}
    for chunk in chunks:
        (choice,) = chunk["choices"]
        offsets[choice["index"]] += (choice["logprobs"] or {"text_offset": []})["text_offset"]
    assert list(offsets.values()) == [[0, 5, 10, 15, 20]] * 2


def test_a_native_answer_names_them_as_chat_does(live_web: LiveWeb) -> None:
    expected = [{**WORD, "top_logprobs": [WORD]}] * 5
    assert whole(live_web, NATIVE, logprobs=True, top_logprobs=1)["logprobs"] == expected
    choices = whole(live_web, NATIVE, logprobs=True, top_logprobs=1, n=2)["choices"]
    assert [choice["logprobs"] for choice in choices] == [expected] * 2
    *deltas, closing = streamed(live_web, NATIVE, logprobs=True, top_logprobs=1)
    assert [one for delta in deltas for one in delta["logprobs"]] == expected
    assert "logprobs" not in closing
