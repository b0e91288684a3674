"""Sampling with a real engine behind the doors: a tiny random model in its own runner."""

from typing import Any

import pytest

from tests.platform_process import PlatformProcess

ADDRESS = "/v1/completions"
PROMPT = [5, 9, 200, 31]


def completion(platform: PlatformProcess, **fields: Any) -> Any:
    body = {"prompt": PROMPT, "max_tokens": 16, "temperature": 0, **fields}
    with platform.client() as client:
        response = client.post(ADDRESS, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def text(platform: PlatformProcess, **fields: Any) -> str:
    return str(completion(platform, **fields)["choices"][0]["text"])


def tokens(platform: PlatformProcess, **fields: Any) -> list[str]:
    return list(completion(platform, logprobs=0, **fields)["choices"][0]["logprobs"]["tokens"])


def test_choices_of_one_seed_are_those_of_the_seeds_that_follow(platform: PlatformProcess) -> None:
    settings = {"temperature": 1.5, "min_p": 0.01, "presence_penalty": 0.5}
    together = completion(platform, n=3, seed=40, **settings)["choices"]
    alone = [text(platform, seed=40 + n, **settings) for n in range(3)]
    assert [choice["text"] for choice in together] == alone
    assert len(set(alone)) == 3


def test_a_penalty_ends_the_repetition_of_a_token(platform: PlatformProcess) -> None:
    favoured: dict[str, Any] = {"logit_bias": {"77": 30}, "max_tokens": 40}
    (only,) = set(tokens(platform, **favoured))
    penalised = tokens(platform, **favoured, frequency_penalty=2)
    assert 5 < penalised.count(only) < 30


def test_logprobs_are_likely_first_and_greedy_takes_the_first(platform: PlatformProcess) -> None:
    chosen = completion(platform, logprobs=5)["choices"][0]["logprobs"]
    assert len(chosen["tokens"]) == 16
    for token, logprob, top in zip(
        chosen["tokens"], chosen["token_logprobs"], chosen["top_logprobs"], strict=True
    ):
        assert len(top) == 5
        assert logprob == top[token] == max(top.values())
        assert list(top.values()) == sorted(top.values(), reverse=True)


@pytest.mark.parametrize("field", ["stop_token_ids", "min_tokens", "logit_bias"])
def test_what_the_model_does_not_have_is_named(platform: PlatformProcess, field: str) -> None:
    values: dict[str, Any] = {
        "stop_token_ids": [10**6],
        "min_tokens": 17,
        "logit_bias": {"1000000": 1},
    }
    with platform.client() as client:
        body = {"prompt": PROMPT, "max_tokens": 16, field: values[field]}
        answer = client.post(ADDRESS, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field


def test_a_stop_token_ends_it_and_a_least_length_puts_that_off(platform: PlatformProcess) -> None:
    settings = {"logit_bias": {"77": 100, "78": 90}, "stop_token_ids": [77]}
    at_once = completion(platform, **settings)
    assert at_once["choices"][0]["text"] == ""
    assert at_once["choices"][0]["finish_reason"] == "stop"
    later = completion(platform, **settings, min_tokens=5)
    assert later["usage"]["completion_tokens"] == 6
    assert later["choices"][0]["finish_reason"] == "stop"


def test_as_many_choices_as_slots_are_answered_and_one_more_is_refused(
    platform: PlatformProcess,
) -> None:
    assert len(completion(platform, n=4, max_tokens=4)["choices"]) == 4
    with platform.client() as client:
        answer = client.post(ADDRESS, json={"prompt": PROMPT, "n": 5})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "n"
