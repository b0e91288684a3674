"""`n`: several answers to one request, at every door, whole and streamed."""

from typing import Any

import pytest

from tests.api.doors import CHAT, COMPLETIONS, DOORS, NATIVE, GenerationDoor, refusal
from tests.live_web import LiveWeb
from tests.sse import DONE, events

WORDS = "word " * 5
N = 3


def whole(web: LiveWeb, door: GenerationDoor, **fields: Any) -> Any:
    response = web.client().post(door.address, json=door.asking(n=N, **fields))
    assert response.status_code == 200, response.text
    return response.json()


def streamed(web: LiveWeb, door: GenerationDoor, **fields: Any) -> list[Any]:
    response = web.client().post(door.address, json=door.asking(n=N, stream=True, **fields))
    assert response.status_code == 200, response.text
    *data, done = [event.data for event in events(response.text)]
    assert done == DONE
    return data


def text_of(door: GenerationDoor, choice: dict[str, Any]) -> str:
    if door is NATIVE:
        return str(choice["generated_text"])
    return str(choice["message"]["content"] if door is CHAT else choice["text"])


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_whole_answer_has_them_in_order(live_web: LiveWeb, door: GenerationDoor) -> None:
    choices = whole(live_web, door)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2]
    assert [text_of(door, choice) for choice in choices] == [WORDS] * N
    assert {choice["finish_reason"] for choice in choices} == {"stop"}


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_usage_counts_the_prompt_once_and_every_answer(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    one = live_web.client().post(door.address, json=door.smallest).json()["usage"]
    usage = whole(live_web, door)["usage"]
    assert usage["completion_tokens"] == 5 * N == one["completion_tokens"] * N
    assert usage["prompt_tokens"] == one["prompt_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + 5 * N


@pytest.mark.parametrize("door", [CHAT, COMPLETIONS], ids=str)
def test_a_stream_carries_each_under_its_index_and_ends_each(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    texts, ends = dict.fromkeys(range(N), ""), {}
    for chunk in streamed(live_web, door):
        (choice,) = chunk["choices"]
        news = choice["delta"].get("content", "") if door is CHAT else choice["text"]
        texts[choice["index"]] += news
        if choice["finish_reason"]:
            ends[choice["index"]] = choice["finish_reason"]
    assert texts == dict.fromkeys(range(N), WORDS)
    assert ends == dict.fromkeys(range(N), "stop")


def test_a_native_stream_carries_each_under_its_index(live_web: LiveWeb) -> None:
    *deltas, closing = streamed(live_web, NATIVE)
    texts = dict.fromkeys(range(N), "")
    for delta in deltas:
        texts[delta["index"]] += delta["delta"]
    assert texts == dict.fromkeys(range(N), WORDS)
    assert [one["finish_reason"] for one in closing["choices"]] == ["stop"] * N
    assert closing["usage"]["completion_tokens"] == 5 * N


def test_a_native_answer_has_the_first_where_one_alone_would_be(live_web: LiveWeb) -> None:
    body = whole(live_web, NATIVE)
    assert body["generated_text"] == body["choices"][0]["generated_text"] == WORDS
    assert "choices" not in live_web.client().post(NATIVE.address, json=NATIVE.smallest).json()


async def test_each_is_a_request_of_its_own_to_the_runner_with_its_own_seed(
    live_web: LiveWeb,
) -> None:
    async with live_web.runner() as runner, live_web.async_client() as client:
        body = CHAT.asking(model=runner.model, n=N, seed=2**63 - 2, max_tokens=4)
        answer = await client.post(CHAT.address, json=body)
    request_id = answer.headers["x-request-id"]
    submits = list(runner.counters.submits)
    assert [one.request_id for one in submits] == [f"{request_id}:{n}" for n in range(N)]
    assert [one.sampling.seed for one in submits] == [2**63 - 2, 2**63 - 1, -(2**63)]
    assert {one.max_tokens for one in submits} == {4}
    row = live_web.row(request_id)
    assert (row["status"], row["completion_tokens"]) == ("completed", 4 * N)
    body_row = live_web.body(request_id)
    assert body_row is not None
    assert "\n\n".join(["word " * 4] * N) == body_row["completion"]


async def test_one_alone_keeps_the_requests_id_and_no_seed_stays_none(live_web: LiveWeb) -> None:
    async with live_web.runner() as runner, live_web.async_client() as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=runner.model))
        await client.post(CHAT.address, json=CHAT.asking(model=runner.model, n=2))
    one, *two = runner.counters.submits
    assert one.request_id == answer.headers["x-request-id"]
    assert [submit.sampling.seed for submit in two] == [None, None]


async def test_more_than_the_models_slots_are_refused(live_web: LiveWeb) -> None:
    async with live_web.runner() as runner, live_web.async_client() as client:
        live_web.sql("UPDATE registry_model SET slots = 2 WHERE name = ?", runner.model)
        answer = await _after_refresh(client, CHAT.asking(model=runner.model, n=3))
    assert (answer.status, answer.code, answer.param) == (400, "invalid_request", "n")
    assert "2" in answer.detail


async def _after_refresh(client: Any, body: dict[str, Any]) -> Any:
    """Ask until the web has read the registry anew."""
    while (response := await client.post(CHAT.address, json=body)).status_code == 200:
        pass
    return refusal(response)
