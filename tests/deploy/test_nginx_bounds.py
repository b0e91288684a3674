"""What nginx refuses by itself: too much, too slow, and what is nobody's business outside."""

import contextlib
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.deploy.installation import Installation


def _raw(installation: Installation, request: bytes) -> bytes:
    """Send exactly these bytes and return the whole answer."""
    at = urlsplit(installation.address)
    with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_body_over_the_bound_gets_the_native_error(installation: Installation) -> None:
    body = b" " * (installation.max_body_bytes + 1)
    refused = installation.client().post("/api/v1/generate/text", content=body)
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["code"] == "body_too_large"
    assert str(installation.max_body_bytes) in problem["detail"]
    assert problem["request_id"] == refused.headers["x-request-id"]


def test_a_body_over_the_bound_gets_openais_error_on_v1(installation: Installation) -> None:
    body = b" " * (installation.max_body_bytes + 1)
    refused = installation.client().post("/v1/chat/completions", content=body)
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/json"
    assert refused.json()["error"]["code"] == "body_too_large"


def test_a_body_that_hides_its_length_is_bounded_too(installation: Installation) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(4):
            yield b" " * (installation.max_body_bytes // 2)

    assert installation.client().post("/v1/completions", content=pieces()).status_code == 413


def test_a_body_at_the_bound_reaches_the_web(installation: Installation) -> None:
    body = b'{"prompt": "abcd", "max_tokens": 1}'.ljust(installation.max_body_bytes)
    headers = {"Content-Type": "application/json"}
    answer = installation.client(headers=headers).post("/v1/completions", content=body)
    assert answer.status_code == 200


def test_an_upload_has_a_bound_of_its_own(installation: Installation) -> None:
    client, form = installation.client(), {"purpose": "user_data"}
    within = {"file": ("a", b" " * (installation.max_upload_bytes - 10_000))}
    sent = client.post("/v1/files", files=within, data=form)
    assert sent.status_code == 200, sent.text
    file_id = sent.json()["id"]
    content = client.get(f"/v1/files/{file_id}/content").content
    assert len(content) == installation.max_upload_bytes - 10_000
    over = {"file": ("a", b" " * (installation.max_upload_bytes + 1))}
    refused = client.post("/v1/files", files=over, data=form)
    assert refused.status_code == 413
    assert str(installation.max_upload_bytes) in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/v1/../metrics", "/metrics?a=b"]
)
def test_metrics_are_not_served_outside(installation: Installation, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert b" 403 " in _raw(installation, request.encode()).splitlines()[0]


def test_metrics_are_served_inside(installation: Installation) -> None:
    assert httpx.get(f"http://127.0.0.1:{installation.port}/metrics").status_code == 200


def test_a_huge_header_is_refused_in_json(installation: Installation) -> None:
    refused = installation.client().get("/v1/models", headers={"X-Filler": "a" * 9000})
    assert refused.status_code == 431
    assert refused.json()["error"]["code"] == "headers_too_large"


def test_a_huge_address_is_refused_in_json(installation: Installation) -> None:
    refused = installation.client().get("/" + "a" * 9000)
    assert refused.status_code == 414
    assert refused.json()["code"] == "uri_too_long"


def test_what_is_no_http_is_refused_in_json(installation: Installation) -> None:
    head, _, body = _raw(installation, b"NONSENSE\r\n\r\n").partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert b'"code":"bad_request"' in body


def test_the_proxy_does_not_tell_its_version(installation: Installation) -> None:
    assert installation.client().get("/health/live").headers["server"] == "nginx"


def test_a_client_that_dribbles_its_headers_is_cut_off(installation: Installation) -> None:
    at = urlsplit(installation.address)
    with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
        began = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(4096) == b""
        assert time.monotonic() - began < 15  # client_header_timeout and a margin


@pytest.mark.parametrize("path", ["/v1/files", "/api/v1/upload/image"])
def test_an_upload_of_a_stranger_is_refused_before_it_is_sent(
    installation: Installation, path: str
) -> None:
    length = installation.max_upload_bytes
    assert length > 65_536
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    assert _raw(installation, head.encode()).startswith(b"HTTP/1.1 401 ")
