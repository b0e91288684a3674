"""One attempt against real receivers: good ones, and such that are slow, huge or redirect."""

import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pytest_django import Settings

from inference.jobs.webhooks.sending import MAX_ANSWER, Outcome, send
from inference.jobs.webhooks.target import target_of
from tests.jobs.webhooks.receiver import Receiver, answering, receiving


@pytest.fixture(autouse=True)
def allowing(settings: Settings) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE = settings.WEBHOOKS_ALLOW_HTTP = True
    settings.WEBHOOKS_TIMEOUT_S = 1


async def posted(url: str) -> Outcome:
    return await send(target_of(url), {"webhook-id": "msg_1"}, b'{"a": 1}')


async def test_the_body_and_the_name_of_the_host_arrive() -> None:
    with receiving(answering(204, text=b"")) as receiver:
        url = f"http://localhost:{receiver.port}/a%20b?c=d"
        outcome = await posted(url)
    (received,) = receiver.received
    assert outcome.is_success
    assert (received.path, received.body) == ("/a%20b?c=d", b'{"a": 1}')
    assert received.headers["host"] == f"localhost:{receiver.port}"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_and_not_followed(status: int) -> None:
    with receiving(answering(200)) as elsewhere:
        with receiving(answering(status, headers={"location": elsewhere.url})) as receiver:
            outcome = await posted(receiver.url)
        assert (outcome.status, outcome.error) == (status, "redirect_refused")
        assert not outcome.is_success
        assert not elsewhere.received


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(answering(200)) as receiver, receiving(answering(200)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        outcome = await posted(receiver.url)
    assert outcome.is_success
    assert (len(receiver.received), len(proxy.received)) == (1, 0)


async def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    sent: list[int] = []

    def huge(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not receiver.over.is_set():
            handler.wfile.write(b"x" * 65536)
            sent.append(65536)

    with receiving(huge) as receiver:
        outcome = await posted(receiver.url)
    assert outcome.is_success
    assert outcome.answer == b"x" * MAX_ANSWER
    assert sum(sent) < 64 << 20  # what sockets hold


async def test_nothing_is_unpacked() -> None:
    with receiving(
        answering(200, text=b"\x1f\x8bno gzip", headers={"content-encoding": "gzip"})
    ) as one:
        outcome = await posted(one.url)
    assert outcome.is_success
    assert one.received[0].headers["accept-encoding"] == "identity"
    assert outcome.answer == b"\x1f\x8bno gzip"


def dribbling(receiver_of: list[Receiver], before: bytes, drop: bytes) -> Any:
    """Return a script that never ends: a byte at a time, faster than any read times out."""

    def dribble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(before)
        while not receiver_of[0].over.wait(0.05):
            handler.wfile.write(drop)

    return dribble


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (b"", b""),  # says nothing at all
        (b"HTTP/1.1 200 OK\r\nx-slow: ", b"a"),  # a header that does not end
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),  # only what is to come
    ],
)
async def test_a_receiver_that_dribbles_is_given_up_in_time(before: bytes, drop: bytes) -> None:
    known: list[Receiver] = []
    with receiving(dribbling(known, before, drop)) as receiver:
        known.append(receiver)
        began = time.monotonic()
        outcome = await posted(receiver.url)
        took = time.monotonic() - began
    assert (outcome.status, outcome.error) == (None, "timed_out")
    assert 0.9 < took < 10
    assert outcome.duration_ms >= 900


async def test_who_said_yes_and_then_dribbles_has_said_yes() -> None:
    known: list[Receiver] = []
    with receiving(dribbling(known, b"HTTP/1.1 200 OK\r\n\r\n", b"a")) as receiver:
        known.append(receiver)
        outcome = await posted(receiver.url)
    assert outcome.is_success
    assert outcome.error == ""
    assert outcome.answer.startswith(b"aaa")


async def test_an_address_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = await posted(f"http://127.0.0.1:{port}/")
    assert (outcome.status, outcome.error) == (None, "connection_failed")


@pytest.mark.parametrize("text", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 999999 no\r\n\r\n"])
async def test_what_speaks_no_http_is_no_answer(text: bytes) -> None:
    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(text)

    with receiving(speak) as receiver:
        outcome = await posted(receiver.url)
    assert (outcome.status, outcome.error) == (None, "no_answer")
