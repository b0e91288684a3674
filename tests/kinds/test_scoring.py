"""Moderation and rerank, over a real platform and real runners."""

import math
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.doors import refusal
from tests.kinds.reference import reference

QUERY = "ab cd"
DOCUMENTS = ["ef gh", "ab cd", "zz yy xx ww"]


def softmax(logits: list[float]) -> list[float]:
    parts = [math.exp(one) for one in logits]
    return [one / sum(parts) for one in parts]


def test_moderation_gives_every_label_its_score(client: httpx.Client, tiny_kinds: Path) -> None:
    texts = ["ab cd", "ef gh ij"]
    answer = client.post("/v1/moderations", json={"input": texts}).json()
    assert answer["model"] == "moderation"
    expected = [softmax(one) for one in reference(tiny_kinds / "moderation", texts)]
    for result, scores in zip(answer["results"], expected, strict=True):
        found = [result["category_scores"][name] for name in ("safe", "rude", "violent")]
        assert found == pytest.approx(scores, abs=1e-4)
        harmful = scores[1:]
        assert result["flagged"] == any(score >= 0.5 for score in harmful)
        assert result["categories"]["rude"] == (scores[1] >= 0.5)


def test_rerank_orders_documents_as_the_cross_encoder_scores_them(
    client: httpx.Client, tiny_kinds: Path
) -> None:
    body = {"query": QUERY, "documents": DOCUMENTS}
    answer = client.post("/v1/rerank", json=body).json()
    pairs: list[Any] = [[QUERY, one] for one in DOCUMENTS]
    logits = [one[0] for one in reference(tiny_kinds / "rerank", pairs)]
    scores = [1 / (1 + math.exp(-one)) for one in logits]
    order = sorted(range(3), key=lambda place: -scores[place])
    assert [one["index"] for one in answer["results"]] == order
    found = [one["relevance_score"] for one in answer["results"]]
    assert found == pytest.approx([scores[place] for place in order], abs=1e-4)
    tokens = sum(len(one.split()) + 2 + 3 for one in DOCUMENTS)
    assert answer["usage"]["prompt_tokens"] == tokens


def test_rerank_gives_the_best_few_with_their_texts(client: httpx.Client) -> None:
    body = {"query": QUERY, "documents": DOCUMENTS, "top_n": 2, "return_documents": True}
    results = client.post("/v1/rerank", json=body).json()["results"]
    assert len(results) == 2
    for one in results:
        assert one["document"]["text"] == DOCUMENTS[one["index"]]


@pytest.mark.parametrize(
    ("address", "body", "param"),
    [
        ("/v1/moderations", {"input": ""}, "input"),
        ("/v1/moderations", {"input": []}, "input"),
        ("/v1/moderations", {"input": [1]}, "input"),
        ("/v1/moderations", {"input": "a", "nonsense": 1}, "nonsense"),
        ("/v1/rerank", {"query": "a", "documents": []}, "documents"),
        ("/v1/rerank", {"query": "", "documents": ["a"]}, "query"),
        ("/v1/rerank", {"query": "a", "documents": ["a"], "top_n": 0}, "top_n"),
        ("/v1/rerank", {"query": "a", "documents": ["a"] * 2049}, "documents"),
        ("/v1/rerank", {"documents": ["a"]}, "query"),
        ("/v1/rerank", {"query": "a", "documents": ["a"], "model": "embeddings"}, "model"),
    ],
)
def test_bad_fields_are_refused_by_name(
    client: httpx.Client, address: str, body: dict[str, Any], param: str
) -> None:
    refused = refusal(client.post(address, json=body))
    assert (refused.status, refused.param) == (400, param)


def test_a_pair_that_is_too_long_is_refused_unless_it_may_be_cut(client: httpx.Client) -> None:
    body = {"query": "ab", "documents": ["cd", "ef " * 100]}
    refused = refusal(client.post("/v1/rerank", json=body))
    assert (refused.code, refused.param) == ("context_length_exceeded", "documents[1]")
    cut = client.post("/v1/rerank", json={**body, "truncate": True})
    assert cut.json()["usage"]["prompt_tokens"] == 5 + 66
