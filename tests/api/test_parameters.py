"""Parameters that cannot be served are refused by name; those that ask for nothing are accepted."""

from typing import Any

import pytest

from tests.api.doors import CHAT, DOORS, GenerationDoor, refusal
from tests.live_web import LiveWeb

ASK_FOR_SOMETHING: list[tuple[str, Any]] = [
    ("best_of", 3),
    ("echo", True),
    ("response_format", {"type": "json_object"}),
    ("response_format", {"type": "json_schema", "json_schema": {}}),
    ("tools", [{"type": "function", "function": {"name": "f"}}]),
    ("tool_choice", "required"),
    ("functions", [{"name": "f"}]),
    ("modalities", ["text", "audio"]),
    ("audio", {"voice": "alloy", "format": "wav"}),
    ("suffix", "the end"),
    ("reasoning_effort", "high"),
    ("web_search_options", {}),
]
ASK_FOR_NOTHING: list[tuple[str, Any]] = [
    ("n", 1),
    ("frequency_penalty", 0),
    ("frequency_penalty", 0.0),
    ("logit_bias", {}),
    ("logprobs", None),
    ("response_format", {"type": "text"}),
    ("tools", []),
    ("tool_choice", "auto"),
    ("modalities", ["text"]),
    ("user", "someone"),
    ("metadata", {"any": {"thing": [1]}}),
    ("store", True),
    ("service_tier", "flex"),
    ("best_of", None),
    ("top_logprobs", 0),
]
OPENAI = [door for door in DOORS if door.openai]


@pytest.mark.parametrize(("name", "value"), ASK_FOR_SOMETHING)
@pytest.mark.parametrize("door", OPENAI, ids=str)
def test_what_would_change_the_answer_is_refused_by_name(
    live_web: LiveWeb, door: GenerationDoor, name: str, value: Any
) -> None:
    answer = refusal(live_web.client().post(door.address, json=door.asking(**{name: value})))
    assert (answer.status, answer.code, answer.param) == (400, "unsupported_parameter", name)


@pytest.mark.parametrize(("name", "value"), ASK_FOR_NOTHING)
@pytest.mark.parametrize("door", OPENAI, ids=str)
def test_what_asks_for_nothing_is_accepted(
    live_web: LiveWeb, door: GenerationDoor, name: str, value: Any
) -> None:
    response = live_web.client().post(door.address, json=door.asking(**{name: value}))
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("name", ["temprature", "", "__class__", "self", "message", "ключ"])
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_name_that_no_api_has_is_refused(
    live_web: LiveWeb, door: GenerationDoor, name: str
) -> None:
    answer = refusal(live_web.client().post(door.address, json=door.asking(**{name: 1})))
    assert (answer.status, answer.code) == (400, "unknown_parameter")
    assert answer.param == (name or None)


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_an_endless_name_is_not_repeated(live_web: LiveWeb, door: GenerationDoor) -> None:
    body = door.asking(**{"x" * 100_000: 1})
    answer = refusal(live_web.client().post(door.address, json=body))
    assert answer.code == "unknown_parameter"


def test_a_client_cannot_choose_the_chat_template(live_web: LiveWeb) -> None:
    for name in ("chat_template", "chat_template_kwargs", "add_generation_prompt", "documents"):
        body = CHAT.asking(**{name: "{{ 7 * 7 }}"})
        assert refusal(live_web.client().post(CHAT.address, json=body)).param == name


def test_a_message_takes_no_parameters_of_a_template(live_web: LiveWeb) -> None:
    message = {"role": "user", "content": "hi", "tool_calls": [{"id": "x"}]}
    response = live_web.client().post(CHAT.address, json={"messages": [message]})
    assert refusal(response).param == "messages[0].tool_calls"


def test_an_answer_can_be_sent_back_with_its_empty_members(live_web: LiveWeb) -> None:
    empty: dict[str, Any] = {"refusal": None, "annotations": [], "audio": None, "tool_calls": None}
    answered = {"role": "assistant", "content": "Hi!", **empty}
    messages = [*CHAT.smallest["messages"], answered, *CHAT.smallest["messages"]]
    response = live_web.client().post(CHAT.address, json={"messages": messages})
    assert response.status_code == 200, response.text
