"""Tokens pass nginx as they are made, and a client that leaves is noticed behind it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import httpx

from tests.deploy.installation import TOKENS, Installation

ASKED = {"prompt": "abcd", "max_tokens": 64, "stream": True}


def _arrivals(response: httpx.Response) -> Iterator[tuple[float, float]]:
    """Yield when each token was sent by the runner and when it arrived here."""
    for line in response.iter_lines():
        if line.startswith("data: {"):
            arrived = time.monotonic()
            for choice in json.loads(line[6:])["choices"]:
                if choice["text"].strip():
                    yield float(choice["text"]), arrived


def test_every_token_arrives_before_the_next_one_is_made(installation: Installation) -> None:
    with installation.client().stream("POST", "/v1/completions", json=ASKED) as response:
        tokens = list(_arrivals(response))
    assert len(tokens) == TOKENS
    for (_, arrived), (next_sent, _) in pairwise(tokens):
        assert arrived < next_sent


def test_streams_of_many_clients_are_interleaved(installation: Installation) -> None:
    def ask(_: int) -> list[tuple[float, float]]:
        with installation.client().stream("POST", "/v1/completions", json=ASKED) as response:
            return list(_arrivals(response))

    with ThreadPoolExecutor(8) as pool:
        streams = list(pool.map(ask, range(8)))
    last_first_token = max(stream[0][1] for stream in streams)
    assert all(stream[-1][1] > last_first_token for stream in streams)


def test_a_client_that_leaves_is_cancelled_behind_the_proxy(installation: Installation) -> None:
    with installation.client().stream("POST", "/v1/completions", json=ASKED) as response:
        next(_arrivals(response))
    deadline = time.monotonic() + 10
    while installation.history("status")[:1] != [("cancelled",)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)  # between two looks at the database
    assert 1 <= installation.history("completion_tokens")[0][0] < TOKENS


def test_whoever_has_an_answer_has_a_row_in_postgresql(installation: Installation) -> None:
    before = len(installation.history("id"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: installation.client().post(
                    "/v1/completions", json={"prompt": "abcd", "max_tokens": 1}
                ),
                range(32),
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len(installation.history("id")) == before + 32
