"""A change of a key is in force in another process within a second; no credential is a fault."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.live_web import LiveWeb

ADDRESS = "/api/v1/generate/text"
BODY = {"text": "Hi", "model": "tiny", "max_length": 1}


@pytest.fixture(scope="module")
def second(live_web: LiveWeb) -> Iterator[LiveWeb]:
    """Another web process on the same database and store."""
    with live_web.beside().running() as web:
        yield web


def make(manager: httpx.Client) -> dict[str, Any]:
    """Return a fresh key of ada's."""
    response = manager.post("/api/v1/keys", json={"name": "changing"})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


Change = Callable[[httpx.Client, str], httpx.Response]
NOTHING_A_DAY = [{"resource": "requests", "window": "day", "amount": 0}]
CHANGES: dict[str, tuple[Change, int]] = {
    "revoked": (lambda client, one: client.delete(one), 401),
    "rotated": (lambda client, one: client.post(f"{one}/rotate", json={}), 401),
    "scopes": (lambda client, one: client.patch(one, json={"scopes": ["jobs"]}), 403),
    "models": (lambda client, one: client.patch(one, json={"allowed_models": ["other"]}), 404),
    "networks": (lambda client, one: client.patch(one, json={"allowed_networks": ["::2"]}), 403),
    "limits": (lambda client, one: client.patch(one, json={"limits": NOTHING_A_DAY}), 429),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_in_force_in_another_process_within_a_second(
    live_web: LiveWeb, second: LiveWeb, change: str
) -> None:
    act, expected = CHANGES[change]
    with live_web.client("manager") as manager:
        made = make(manager)
        with second.client(None, headers={"X-API-Key": made["key"]}) as caller:
            assert caller.post(ADDRESS, json=BODY).status_code == 200
            assert act(manager, f"/api/v1/keys/{made['id']}").is_success
            began = time.monotonic()
            while (response := caller.post(ADDRESS, json=BODY)).status_code == 200:
                assert time.monotonic() - began < 1
            assert response.status_code == expected, response.text


HOSTILE = {
    "sql": "' OR 1=1; DROP TABLE accounts_apikey; --",
    "long": "x" * 1_000_000,
    "long like a key": "aip_" + "a" * 1_000_000,
    "NUL": "aip_\0",
    "control": "aip_\x07\x1b[2J",
    "newline": "aip_a\r\nX-Admin: 1",
    "Latin-1": "aip_\xe9\xff",
    "Unicode": "aip_٣٣٣🔑",
    "blank": "   ",
    "two": "aip_a aip_b",
    "comma": "aip_a, Bearer aip_b",
}


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("address", ["/api/v1/keys", "/v1/models", ADDRESS])
def test_a_hostile_credential_is_refused_and_never_a_fault(
    live_web: LiveWeb, address: str, name: str, header: str
) -> None:
    value = HOSTILE[name].encode()
    lines = [
        f"{'POST' if address == ADDRESS else 'GET'} {address} HTTP/1.1".encode(),
        b"Host: localhost",
        b"Connection: close",
        b"Content-Length: 0",
        header.encode() + b": " + (b"Bearer " if header == "Authorization" else b"") + value,
    ]
    assert _status(live_web.port, b"\r\n".join(lines) + b"\r\n\r\n") in (400, 401, 431)
    assert live_web.client("ada").get("/v1/models").status_code == 200


def _status(port: int, sent: bytes) -> int:
    """Return the status of the answer to the bytes `sent`."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        # A server that refuses may hang up before it has read all.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                answer += part
    return int(answer.split(b" ", 2)[1]) if answer else 431
