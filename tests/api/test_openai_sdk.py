"""OpenAI's own SDK works against /v1: answers, streams, lists, and its typed errors."""

from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.live_web import LiveWeb

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
TEXT = "word " * 5


def sdk(web: LiveWeb, key: str = "ada") -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{web.base_url}/v1", api_key=web.keys.get(key, key), max_retries=0
    )


@pytest.fixture
def client(live_web: LiveWeb) -> Iterator[openai.OpenAI]:
    with sdk(live_web) as client:
        yield client


def test_it_chats(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="tiny", messages=MESSAGES)
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    assert answer._request_id == answer.id.removeprefix("chatcmpl-")


def test_it_streams(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="tiny", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert last.usage is not None
    assert last.usage.completion_tokens == 5


def test_its_streaming_helper_puts_the_answer_together(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="tiny", messages=MESSAGES) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"


def test_it_completes(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="tiny", prompt="Once", max_tokens=3)
    assert answer.choices[0].text == "word word word "


def test_it_lists_and_retrieves_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"tiny", "other"} <= set(names)
    assert "disabled" not in names
    assert client.models.retrieve("tiny").object == "model"


async def test_its_asynchronous_client_does_the_same(live_web: LiveWeb) -> None:
    url, key = f"{live_web.base_url}/v1", live_web.keys["ada"]
    async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
        answer = await client.chat.completions.create(model="tiny", messages=MESSAGES)
        assert answer.choices[0].message.content == TEXT
        stream = await client.chat.completions.create(model="tiny", messages=MESSAGES, stream=True)
        texts = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(texts) == TEXT
        assert [model.id async for model in client.models.list()]


def test_a_wrong_key_is_its_authentication_error(live_web: LiveWeb) -> None:
    with pytest.raises(openai.AuthenticationError) as raised:
        sdk(live_web, "sk-wrong").models.list()
    assert raised.value.code == "invalid_api_key"


def test_a_missing_scope_is_its_permission_error(live_web: LiveWeb) -> None:
    with pytest.raises(openai.PermissionDeniedError) as raised:
        sdk(live_web, "reader").chat.completions.create(model="tiny", messages=MESSAGES)
    assert raised.value.code == "scope_missing"


def test_an_unknown_model_is_its_not_found_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="gpt-9", messages=MESSAGES)
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def test_a_bad_field_is_its_bad_request_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="tiny", messages=MESSAGES, temperature=9)
    assert raised.value.param == "temperature"
    assert raised.value.type == "invalid_request_error"


def test_too_long_a_prompt_has_the_code_its_users_look_for(client: openai.OpenAI) -> None:
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "too long " * 500}]
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="tiny", messages=long)
    assert raised.value.code == "context_length_exceeded"


def test_a_model_without_a_replica_is_its_server_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="asleep", messages=MESSAGES)
    assert (raised.value.status_code, raised.value.code) == (503, "model_not_ready")
    assert int(raised.value.response.headers["retry-after"]) >= 1


def test_it_gets_logprobs_and_several_choices(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tiny", messages=MESSAGES, n=2, logprobs=True, top_logprobs=3
    )
    assert [choice.message.content for choice in answer.choices] == [TEXT, TEXT]
    for choice in answer.choices:
        assert choice.logprobs is not None
        assert choice.logprobs.content is not None
        assert "".join(token.token for token in choice.logprobs.content) == TEXT
        assert [len(token.top_logprobs) for token in choice.logprobs.content] == [3] * 5
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 10


def test_its_streaming_helper_puts_choices_and_logprobs_together(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model="tiny", messages=MESSAGES, n=2, logprobs=True, top_logprobs=1
    ) as stream:
        answer = stream.get_final_completion()
    for choice in answer.choices:
        assert choice.message.content == TEXT
        assert choice.finish_reason == "stop"
        assert choice.logprobs is not None
        assert len(choice.logprobs.content or []) == 5


def test_it_takes_penalties_and_bias_and_what_others_add(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tiny",
        messages=MESSAGES,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        logit_bias={"5": 10},
        extra_body={"min_p": 0.1, "repetition_penalty": 1.1, "stop_token_ids": [7]},
    )
    assert answer.choices[0].message.content == TEXT


def test_its_completions_have_logprobs_in_their_older_form(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="tiny", prompt="Once", logprobs=2, n=2)
    for choice in answer.choices:
        assert choice.logprobs is not None
        assert choice.logprobs.tokens == ["word "] * 5
        assert choice.logprobs.text_offset == [0, 5, 10, 15, 20]


def test_a_bad_bias_is_its_bad_request_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="tiny", messages=MESSAGES, logit_bias={"99999": 1})
    assert raised.value.param == "logit_bias"
