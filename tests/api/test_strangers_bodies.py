"""Who shows no good credential is refused by their headers; a large body of theirs is not read."""

import socket
import time
from collections.abc import Iterator
from typing import Final

import pytest

from aiplatform.unread_body import LINGER_S
from tests.live_web import LiveWeb

CHUNK: Final = bytes(65_536)
LARGE: Final = {
    "/v1/chat/completions": 4_000_000,
    "/v1/completions": 4_000_000,
    "/v1/embeddings": 4_000_000,
    "/v1/rerank": 4_000_000,
    "/v1/batches": 4_000_000,
    "/v1/files": 100_000_000,
    "/api/v1/generate/text": 4_000_000,
    "/api/v1/generate/async": 4_000_000,
    "/api/v1/upload/image": 14_000_000,
    "/api/v1/models": 4_000_000,
    "/api/v1/keys": 4_000_000,
}
STRANGERS: Final = {
    "no key": "",
    "a wrong key": "Authorization: Bearer sk-nobody-has-this-one\r\n",
    "a bad token": "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x\r\n",
    "an ended session": f"Cookie: sessionid={'a' * 32}\r\nOrigin: http://localhost\r\n",
}


@pytest.fixture
def connection(live_web: LiveWeb) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", live_web.port), timeout=10) as connected:
        yield connected


def begin(connection: socket.socket, address: str, *headers: str) -> None:
    """Send a request up to its body."""
    head = f"POST {address} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}{''.join(headers)}\r\n".encode())


def answer(connection: socket.socket) -> str:
    """Return one answer, as soon as it is whole."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += connection.recv(65_536)
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return (head + body).decode()


def dribble(connection: socket.socket) -> None:
    """Send on and on, not more than a client with a slow line."""
    for _ in range(10_000):
        connection.sendall(CHUNK[:1000])
        time.sleep(0.005)


@pytest.mark.parametrize("address", LARGE)
def test_a_body_that_is_announced_is_not_waited_for(
    connection: socket.socket, address: str
) -> None:
    begin(connection, address, f"Content-Length: {LARGE[address]}\r\n")
    said = answer(connection)  # not a byte of the body was sent
    assert said.startswith("HTTP/1.1 401 ")
    assert "connection: close" in said.lower()
    assert "missing_api_key" in said


@pytest.mark.parametrize("who", STRANGERS)
def test_every_kind_of_stranger_is_refused_so(connection: socket.socket, who: str) -> None:
    begin(connection, "/api/v1/upload/image", STRANGERS[who], "Content-Length: 14000000\r\n")
    assert answer(connection).startswith("HTTP/1.1 401 ")


@pytest.mark.parametrize("address", LARGE)
def test_a_body_without_a_length_is_read_no_further_than_from_anybody(
    connection: socket.socket, address: str
) -> None:
    begin(connection, address, "Transfer-Encoding: chunked\r\n")
    piece = b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK)
    connection.sendall(piece + piece)  # and no end
    assert answer(connection).startswith("HTTP/1.1 401 ")


def test_who_is_known_is_asked_for_the_body(live_web: LiveWeb, connection: socket.socket) -> None:
    key, body = live_web.keys["ada"], b'{"text": "hi", "max_length": 2}'.ljust(1_000_000)
    length, wait = f"Content-Length: {len(body)}\r\n", "Expect: 100-continue\r\n"
    begin(connection, "/api/v1/generate/text", f"X-API-Key: {key}\r\n", length, wait)
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_who_is_known_may_send_a_body_without_a_length(live_web: LiveWeb) -> None:
    body = b'{"text": "hi", "max_length": 2}'.ljust(1_000_000)
    parts = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    headers = {"Content-Type": "application/json"}
    with live_web.client() as client:
        response = client.post("/api/v1/generate/text", content=parts, headers=headers)
    assert response.status_code == 200, response.text


def test_a_page_elsewhere_can_read_why(connection: socket.socket) -> None:
    origin, length = "Origin: https://app.example\r\n", "Content-Length: 4000000\r\n"
    begin(connection, "/v1/chat/completions", origin, length)
    assert "access-control-allow-origin: https://app.example" in answer(connection).lower()


def test_a_refused_stranger_leaves_one_log_line(
    live_web: LiveWeb, connection: socket.socket
) -> None:
    begin(connection, "/v1/files", "Content-Length: 100000000\r\n")
    said = answer(connection)
    request_id = said.lower().split("x-request-id: ")[1].split("\r\n")[0]
    (line,) = live_web.log_lines(request_id)
    assert (line["event"], line["status"], line["path"]) == ("request", 401, "/v1/files")


def test_a_small_body_is_refused_as_ever_and_the_connection_stays(live_web: LiveWeb) -> None:
    with live_web.client(None) as client:
        for _ in range(2):
            response = client.post("/v1/chat/completions", json={"messages": []})
            assert response.status_code == 401
            assert "connection" not in response.headers


def test_who_sends_all_of_it_at_once_still_reads_the_answer(live_web: LiveWeb) -> None:
    with live_web.client(None) as client:
        for _ in range(5):
            response = client.post("/api/v1/upload/image", content=bytes(14_000_000))
            assert response.status_code == 401


def test_what_is_sent_after_the_answer_is_thrown_away_for_a_moment_only(
    connection: socket.socket,
) -> None:
    begin(connection, "/v1/files", "Content-Length: 100000000\r\n")
    assert answer(connection).startswith("HTTP/1.1 401 ")
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        dribble(connection)
    assert LINGER_S / 2 < time.monotonic() - began < LINGER_S * 4
