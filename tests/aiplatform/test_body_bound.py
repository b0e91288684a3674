"""A body over the bound is refused before it is read, however it is sent."""

import json
import socket

import pytest

from tests.api.doors import CHAT, DOORS, GenerationDoor, refusal
from tests.live_web import LiveWeb

BOUND = 4 * 1024 * 1024  # MAX_BODY_BYTES as it is set where nobody says otherwise
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_ten_megabytes_are_refused(live_web: LiveWeb, door: GenerationDoor, chunked: bool) -> None:
    body = b'{"prompt": "' + b"x" * 10_000_000 + b'"}'
    content = (body[at : at + 65_536] for at in range(0, len(body), 65_536)) if chunked else body
    answer = refusal(live_web.client().post(door.address, content=content, headers=JSON))
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert str(BOUND) in answer.detail


def test_the_models_api_refuses_them_as_well(live_web: LiveWeb) -> None:
    response = live_web.client("root").post(
        "/api/v1/models", content=b"x" * (BOUND + 1), headers=JSON
    )
    assert refusal(response).status == 413


def test_a_body_of_exactly_the_bound_is_read(live_web: LiveWeb) -> None:
    body = json.dumps(CHAT.smallest).encode()
    response = live_web.client().post(CHAT.address, content=body.ljust(BOUND), headers=JSON)
    assert response.status_code == 200
    over = live_web.client().post(CHAT.address, content=body.ljust(BOUND + 1), headers=JSON)
    assert over.status_code == 413


def test_a_length_that_is_announced_is_enough_to_be_refused(live_web: LiveWeb) -> None:
    head = f"POST {CHAT.address} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**15}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", live_web.port), timeout=5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_refused_body_has_an_id_and_a_log_line(live_web: LiveWeb) -> None:
    response = live_web.client().post(CHAT.address, content=b"x" * (BOUND + 1), headers=JSON)
    request_id = response.headers["x-request-id"]
    (line,) = live_web.log_lines(request_id)
    assert (line["event"], line["status"], line["path"]) == ("request", 413, CHAT.address)
