"""A field with a wrong value is answered with its name and its bound, at every door alike."""

from typing import Any

import pytest

from tests.api.doors import CHAT, COMPLETIONS, DOORS, NATIVE, GenerationDoor, refusal
from tests.live_cast import CONTEXT_LENGTH, MAX_OUTPUT_TOKENS
from tests.live_web import LiveWeb

HUGE = 10**400
SHARED: dict[str, list[Any]] = {
    "temperature": ["hot", -0.1, 2.1, True, [], {}, HUGE, -HUGE, "1", "nan"],
    "top_p": ["x", -0.1, 1.1, False, [0.5], HUGE],
    "top_k": ["x", -1, 1.5, True, 10**7, HUGE],
    "seed": ["x", 2**63, -(2**63), 1.5, True, HUGE],
    "min_p": ["x", -0.1, 1.1, True, HUGE],
    "repetition_penalty": ["x", 0, -1, 10.5, True, HUGE],
    "presence_penalty": ["x", -2.1, 2.1, True, HUGE],
    "frequency_penalty": ["x", -2.1, 2.1, True, HUGE],
    "logit_bias": [
        *("x", 5, True, [], [[5, 1]], {"x": 1}, {"-1": 1}, {"1.5": 1}, {"٣": 1}, {"": 1}),
        *({"5": "x"}, {"5": True}, {"5": None}, {"5": 100.5}, {"5": -HUGE}),
        *({"10000": 1}, {"9" * 400: 1}, {str(n): 1 for n in range(301)}),
    ],
    "stop_token_ids": ["x", 5, {}, ["x"], [-1], [1.5], [True], [None], [10_000], [HUGE], [5] * 65],
    "min_tokens": ["x", -1, 1.5, True, HUGE, MAX_OUTPUT_TOKENS + 1],
    "ignore_eos": ["true", 1, []],
    "n": ["x", 0, -1, 17, 1.5, True, HUGE],
    "stop": [5, [5], [""], "", [None], ["x"] * 17, "x" * 257, {"a": 1}, [["x"]]],
    "stream": ["true", 1, 0, "yes", [], {}],
    "model": [5, True, [], {}, "x" * 101, ""],
}
OWN: dict[GenerationDoor, dict[str, list[Any]]] = {
    CHAT: {
        "messages": [None, [], {}, "hi", 5, [None], ["hi"], [[]], [{}], [{"role": "user"}]],
        "max_tokens": ["x", 0, -1, 1.5, True, HUGE, MAX_OUTPUT_TOKENS + 1],
        "max_completion_tokens": [0, -5, "5", HUGE],
        "logprobs": ["true", 1, 5, []],
        "top_logprobs": ["x", -1, 21, 1.5, True, HUGE, 2],  # 2: without `logprobs`
        "stream_options": [5, [], "x", {"include_usage": "yes"}, {"include_usage": 1}],
    },
    COMPLETIONS: {
        "prompt": [None, [], {}, 5, [None], [-1], [1.5], [True], ["a", "b"], [[1], [2]], [[]], ""],
        "logprobs": ["x", -1, 21, 1.5, True, False, HUGE],
        "max_tokens": ["x", 0, -1, 1.5, True, HUGE, MAX_OUTPUT_TOKENS + 1],
        "stream_options": [5, {"include_usage": None}],
    },
    NATIVE: {
        "text": [None, "", 5, [], {}, True, ["hi"]],
        "max_length": ["x", 0, -1, 1.5, True, None, HUGE, MAX_OUTPUT_TOKENS + 1],
        "raw": ["true", 1, None],
        "logprobs": ["true", 1, None],
        "top_logprobs": ["x", -1, 21, True, 3],
    },
}
CASES = [
    pytest.param(door, name, value, id=f"{door}-{name}-{str(value)[:20]}")
    for door in DOORS
    for name, values in {**SHARED, **OWN[door]}.items()
    for value in values
]


@pytest.mark.parametrize(("door", "name", "value"), CASES)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    live_web: LiveWeb, door: GenerationDoor, name: str, value: Any
) -> None:
    answer = refusal(live_web.client().post(door.address, json=door.asking(**{name: value})))
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.param is not None
    assert answer.param.split("[")[0].split(".")[0] == name
    assert answer.detail.startswith(answer.param)


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_what_to_answer_must_be_given(live_web: LiveWeb, door: GenerationDoor) -> None:
    answer = refusal(live_web.client().post(door.address, json={}))
    assert (answer.status, answer.param) == (400, door.prompt_field)
    assert "required" in answer.detail


MESSAGES: dict[str, tuple[Any, str]] = {
    "unknown role": ({"role": "wizard", "content": "hi"}, "role"),
    "no role": ({"content": "hi"}, "role"),
    "role of a wrong type": ({"role": ["user"], "content": "hi"}, "role"),
    "endless role": ({"role": "x" * 100_000, "content": "hi"}, "role"),
    "null content": ({"role": "user", "content": None}, "content"),
    "number as content": ({"role": "user", "content": 5}, "content"),
    "empty list of parts": ({"role": "user", "content": []}, "content"),
    "part without text": ({"role": "user", "content": [{"type": "text"}]}, "content"),
    "image part": ({"role": "user", "content": [{"type": "image_url"}]}, "content"),
    "number as a name": ({"role": "user", "content": "hi", "name": 5}, "name"),
}


@pytest.mark.parametrize(("message", "field"), MESSAGES.values(), ids=MESSAGES)
def test_a_bad_message_is_named_by_its_place(live_web: LiveWeb, message: Any, field: str) -> None:
    messages = [{"role": "user", "content": "fine"}, message]
    answer = refusal(live_web.client().post(CHAT.address, json={"messages": messages}))
    assert (answer.status, answer.param) == (400, f"messages[1].{field}")


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_an_unknown_model_is_not_found(live_web: LiveWeb, door: GenerationDoor) -> None:
    for name in ("gpt-9", "disabled", "../tiny", "tiny\n", "TINY"):
        body = door.asking(model=name)
        answer = refusal(live_web.client().post(door.address, json=body))
        assert (answer.status, answer.code, answer.param) == (404, "model_not_found", "model")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_prompt_longer_than_the_context_is_refused_and_never_cut(
    live_web: LiveWeb, door: GenerationDoor, stream: bool
) -> None:
    text = "z" * (CONTEXT_LENGTH + 1)
    prompt: Any = [{"role": "user", "content": text}] if door is CHAT else text
    body = {door.prompt_field: prompt, "stream": stream}
    answer = refusal(live_web.client().post(door.address, json=body))
    assert (answer.status, answer.code) == (400, "context_length_exceeded")
    assert answer.param == door.prompt_field
    assert str(CONTEXT_LENGTH) in answer.detail


def test_a_prompt_that_leaves_room_for_one_token_is_served(live_web: LiveWeb) -> None:
    body = {"prompt": [5] * (CONTEXT_LENGTH - 1)}
    answer = live_web.client().post(COMPLETIONS.address, json=body).json()
    assert answer["usage"]["completion_tokens"] == 1
    full = live_web.client().post(COMPLETIONS.address, json={"prompt": [5] * CONTEXT_LENGTH})
    assert refusal(full).code == "context_length_exceeded"


@pytest.mark.parametrize("token", [10_000, 2**32, 2**64, HUGE])
def test_a_token_id_outside_the_vocabulary_is_refused(live_web: LiveWeb, token: int) -> None:
    answer = refusal(live_web.client().post(COMPLETIONS.address, json={"prompt": [5, token]}))
    assert (answer.status, answer.param) == (400, "prompt")


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_models_that_cannot_answer_yet_say_when_to_come_again(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    for name, state in {"asleep": "none is running", "unprepared": "prepared"}.items():
        response = live_web.client().post(door.address, json=door.asking(model=name))
        answer = refusal(response)
        assert (answer.status, answer.code) == (503, "model_not_ready")
        assert state in answer.detail
        assert int(response.headers["retry-after"]) >= 1
