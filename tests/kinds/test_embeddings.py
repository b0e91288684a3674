"""Both doors to embeddings, over a real platform and a real runner."""

import asyncio
import base64
from pathlib import Path
from typing import Any, Final

import httpx
import numpy
import openai
import pytest

from tests.api.doors import refusal
from tests.kinds.reference import reference
from tests.platform_process import PlatformProcess

OPENAI: Final = "/v1/embeddings"
NATIVE: Final = "/api/v1/embeddings"
TEXTS: Final = ["ab cd", "ef", "gh ij kl mn " * 4, "zy"]


def embed(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post(OPENAI, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(answer: dict[str, Any]) -> numpy.ndarray:
    assert [one["index"] for one in answer["data"]] == list(range(len(answer["data"])))
    return numpy.array([one["embedding"] for one in answer["data"]])


def test_vectors_are_what_transformers_gives(client: httpx.Client, tiny_kinds: Path) -> None:
    answer = embed(client, input=TEXTS, model="embeddings")
    expected = numpy.array(reference(tiny_kinds / "embeddings", TEXTS))
    assert numpy.abs(rows(answer) - expected).max() < 1e-4
    tokens = sum(len(text.split()) + 2 for text in TEXTS)
    assert answer["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert (answer["object"], answer["model"]) == ("list", "embeddings")


def test_texts_and_token_ids_one_and_many_say_the_same(client: httpx.Client) -> None:
    ids = [2, 4, 5, 3]  # [CLS] aa ab [SEP]
    (one,) = rows(embed(client, input="aa ab"))
    for same in (["aa ab"], ids, [ids]):
        assert numpy.abs(rows(embed(client, input=same))[0] - one).max() < 1e-5
    many = rows(embed(client, input=[ids, [2, 9, 3], ids]))
    assert numpy.abs(many[0] - many[2]).max() == 0
    assert numpy.abs(many[0] - many[1]).max() > 1e-3


def test_base64_holds_the_same_numbers(client: httpx.Client) -> None:
    plain = rows(embed(client, input=TEXTS))
    packed = embed(client, input=TEXTS, encoding_format="base64")["data"]
    unpacked = [numpy.frombuffer(base64.b64decode(one["embedding"]), "<f4") for one in packed]
    assert numpy.abs(numpy.array(unpacked) - plain).max() < 1e-6


def test_fewer_dimensions_are_the_beginning_at_length_one(client: httpx.Client) -> None:
    whole, short = rows(embed(client, input="ab")), rows(embed(client, input="ab", dimensions=5))
    assert short.shape == (1, 5)
    beginning = whole[0, :5] / numpy.linalg.norm(whole[0, :5])
    assert numpy.abs(short[0] - beginning).max() < 1e-5


def test_the_native_door_says_it_in_its_own_words(client: httpx.Client) -> None:
    answer = client.post(NATIVE, json={"input": TEXTS})
    body = answer.json()
    assert (body["model_used"], body["dimensions"], len(body["embeddings"])) == (
        "embeddings",
        32,
        4,
    )
    assert body["id"] == answer.headers["x-request-id"]
    assert (
        numpy.abs(numpy.array(body["embeddings"]) - rows(embed(client, input=TEXTS))).max() < 1e-6
    )


def test_openais_sdk_embeds(kinds: PlatformProcess, client: httpx.Client) -> None:
    with openai.OpenAI(base_url=f"{kinds.base_url}/v1", api_key=kinds.key, max_retries=0) as sdk:
        answer = sdk.embeddings.create(model="embeddings", input=TEXTS)
        vectors = [one.embedding for one in answer.data]
        assert numpy.abs(numpy.array(vectors) - rows(embed(client, input=TEXTS))).max() < 1e-6
        with pytest.raises(openai.BadRequestError, match="2,048"):
            sdk.embeddings.create(model="embeddings", input=["a"] * 2049)


def test_the_most_inputs_there_may_be_are_answered_in_order(client: httpx.Client) -> None:
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}" for n in range(2048)]
    vectors = rows(embed(client, input=words))
    alone = rows(embed(client, input=[words[700], words[2047]]))
    assert numpy.abs(vectors[[700, 2047]] - alone).max() < 1e-5


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": [[]]}, "input"),
        ({"input": ["a"] * 10_000}, "input"),
        ({"input": [1, -1]}, "input"),
        ({"input": [1, True]}, "input"),
        ({"input": [1, 2.5]}, "input"),
        ({"input": [100_000]}, "input"),
        ({"input": [2**40]}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": [["a"]]}, "input"),
        ({"input": "half \ud800 a pair"}, None),
        ({}, "input"),
        ({"input": "a", "dimensions": 33}, "dimensions"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": "8"}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "truncate": "yes"}, "truncate"),
        ({"input": "a", "nonsense": 1}, "nonsense"),
    ],
)
@pytest.mark.parametrize("address", [OPENAI, NATIVE])
def test_bad_fields_are_refused_by_name(
    client: httpx.Client, address: str, fields: dict[str, Any], param: str | None
) -> None:
    if param is None:  # as JSON itself can say it
        body = b'{"input": "half \\ud800 a pair"}'
        answer = client.post(address, content=body, headers={"Content-Type": "application/json"})
    else:
        answer = client.post(address, json=fields)
    refused = refusal(answer)
    assert refused.status == 400
    if param is not None:
        assert refused.param == param
        assert param in refused.detail


def test_a_text_that_is_too_long_is_refused_unless_it_may_be_cut(
    client: httpx.Client, tiny_kinds: Path
) -> None:
    long = "ab cd " * 40
    refused = refusal(client.post(OPENAI, json={"input": ["ab", long]}))
    assert (refused.code, refused.param) == ("context_length_exceeded", "input[1]")
    assert "82 tokens" in refused.detail
    assert "60 at most" in refused.detail
    cut = embed(client, input=long, truncate=True)
    assert cut["usage"]["prompt_tokens"] == 60
    # The tokens that close a text stay.
    (expected,) = reference(tiny_kinds / "embeddings", ["ab cd " * 29])
    assert numpy.abs(rows(cut)[0] - numpy.array(expected)).max() < 1e-4
    assert client.post(NATIVE, json={"input": long, "truncate": True}).status_code == 200


@pytest.mark.parametrize(
    ("address", "body", "code", "words"),
    [
        (OPENAI, {"model": "tiny", "input": "a"}, "wrong_task", "/v1/chat/completions"),
        (OPENAI, {"model": "rerank", "input": "a"}, "wrong_task", "/v1/rerank"),
        (
            "/v1/chat/completions",
            {"model": "embeddings", "messages": [{"role": "user", "content": "hi"}]},
            "wrong_task",
            "/v1/embeddings",
        ),
        ("/v1/completions", {"model": "embeddings", "prompt": "a"}, "wrong_task", "/v1/embeddings"),
    ],
)
def test_a_model_asked_for_what_it_does_not_do_says_what_it_does(
    client: httpx.Client, address: str, body: dict[str, Any], code: str, words: str
) -> None:
    refused = refusal(client.post(address, json=body))
    assert (refused.status, refused.code, refused.param) == (400, code, "model")
    assert words in refused.detail


def test_a_model_that_makes_no_numbers_fails_the_request_and_goes_on(
    kinds: PlatformProcess, client: httpx.Client
) -> None:
    before = kinds.replica("not-a-number")
    refused = refusal(client.post(OPENAI, json={"model": "not-a-number", "input": ["ab", "zz"]}))
    assert refused.status == 500
    assert refused.code == "bad_output"
    assert embed(client, model="not-a-number", input="ab")["data"]
    after = kinds.replica("not-a-number")
    assert before is not None
    assert after is not None
    assert before.pid == after.pid


def test_what_was_read_is_in_the_history_and_costs(client: httpx.Client) -> None:
    answer = client.post(OPENAI, json={"input": TEXTS})
    request_id = answer.headers["x-request-id"]
    tokens = answer.json()["usage"]["prompt_tokens"]
    row = client.get(f"/api/v1/requests/{request_id}").json()
    assert (row["door"], row["status"], row["model"]) == ("embeddings", "completed", "embeddings")
    assert (row["prompt_tokens"], row["completion_tokens"]) == (tokens, 0)
    assert (row["charged_requests"], row["charged_tokens"]) == (1, tokens)
    assert float(row["cost"]) == pytest.approx(tokens * 2 / 1_000_000)
    assert row["queue_ms"] is not None
    assert "x-ratelimit-limit-requests" in answer.headers or "x-overhead-ms" in answer.headers
    explained = client.get(f"/api/v1/requests/{request_id}/explain").json()
    assert f"{tokens} tokens were charged" in " ".join(explained["explanation"])


def test_a_repeated_key_gets_the_first_answer(client: httpx.Client) -> None:
    headers = {"Idempotency-Key": "embed-once"}
    first = client.post(OPENAI, json={"input": "ab"}, headers=headers)
    again = client.post(OPENAI, json={"input": "ab"}, headers=headers)
    assert first.content == again.content
    other = client.post(OPENAI, json={"input": "cd"}, headers=headers)
    assert other.status_code in (409, 422)


async def test_many_at_once_get_each_their_own(kinds: PlatformProcess) -> None:
    words = [f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop"]
    async with kinds.async_client() as client:
        answers = await asyncio.gather(
            *(client.post(OPENAI, json={"input": word}) for word in words)
        )
        (together,) = [(await client.post(OPENAI, json={"input": words})).json()]
    assert [answer.status_code for answer in answers] == [200] * len(words)
    alone = numpy.array([answer.json()["data"][0]["embedding"] for answer in answers])
    assert numpy.abs(alone - rows(together)).max() < 1e-5
