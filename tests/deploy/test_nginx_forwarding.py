"""What the web learns of a client through nginx: the truth, whatever the client says of itself."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.deploy.installation import Installation
from tests.deploy.local_process import free_port
from tests.deploy.nginx_proxy import nginx_proxy

ONE_TOKEN = {"prompt": "abcd", "max_tokens": 1}
LIES = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Real-IP": "203.0.113.9",
    "Forwarded": "for=203.0.113.9",
    "X-Forwarded-Host": "evil.example",
}


class Upstream:
    """Takes a request, keeps it, and answers with `answer` or by hanging up."""

    def __init__(self, answer: bytes) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listening.accept()
                with connection:
                    self.requests.append(connection.recv(65_536))
                    connection.sendall(self._answer)


@contextlib.contextmanager
def _proxied(tmp_path: Path, *upstreams: Upstream) -> Iterator[str]:
    ports = [upstream.port for upstream in upstreams]
    with contextlib.ExitStack() as stack:
        for upstream in upstreams:
            stack.callback(upstream.close)
        yield stack.enter_context(
            nginx_proxy(tmp_path, web_ports=ports, static_root=tmp_path, max_body_bytes=1000)
        )


def test_the_history_has_the_address_that_called_and_not_the_one_it_claims(
    installation: Installation,
) -> None:
    # Another loopback address than the one nginx calls the web from.
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    client = installation.client(transport=transport, headers=LIES)
    assert client.post("/v1/completions", json=ONE_TOKEN).status_code == 200
    assert installation.history("client_address")[0] == ("127.0.0.2",)


def test_static_files_come_from_nginx_itself(installation: Installation) -> None:
    found = installation.client().get("/static/admin/css/base.css")
    assert found.status_code == 200
    assert found.headers["content-type"] == "text/css"
    assert found.headers["cache-control"] == "max-age=0, public"
    seen = installation.client(headers={"If-None-Match": found.headers["etag"]})
    assert seen.get("/static/admin/css/base.css").status_code == 304
    assert installation.client().get("/static/no-such.css").json()["code"] == "not_found"


def test_errors_of_the_web_pass_unchanged(installation: Installation) -> None:
    unknown = installation.client().post("/v1/completions", json={**ONE_TOKEN, "model": "nonesuch"})
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "model_not_found"


def test_a_lost_generation_is_not_asked_for_again(tmp_path: Path) -> None:
    one, other = Upstream(b""), Upstream(b"")
    with _proxied(tmp_path, one, other) as address:
        lost = httpx.post(f"{address}/v1/completions", json=ONE_TOKEN)
    assert lost.status_code == 502
    assert len(one.requests + other.requests) == 1


def test_a_lost_read_is_asked_for_again(tmp_path: Path) -> None:
    one, other = Upstream(b""), Upstream(b"")
    with _proxied(tmp_path, one, other) as address:
        httpx.get(f"{address}/v1/models")
    assert len(one.requests) == len(other.requests) == 1


def test_only_websockets_change_the_protocol(tmp_path: Path) -> None:
    upstream = Upstream(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    with _proxied(tmp_path, upstream) as address:
        for protocol in ("websocket", "h2c"):
            asked = {"Upgrade": protocol, "Connection": "Upgrade", **LIES}
            httpx.get(f"{address}/ws/generate", headers=asked)
    websocket, other = (request.lower() for request in upstream.requests)
    assert b"\r\nupgrade: websocket\r\n" in websocket
    assert b"\r\nconnection: upgrade\r\n" in websocket
    assert b"upgrade" not in other
    assert b"203.0.113.9" not in websocket + other
    assert b"evil.example" not in websocket + other


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/completions", "application/json"), ("/api/v1/x", "application/problem+json")],
)
def test_a_web_that_is_away_is_said_in_json_with_a_time_to_retry(
    tmp_path: Path, path: str, kind: str
) -> None:
    with nginx_proxy(
        tmp_path, web_ports=[free_port()], static_root=tmp_path, max_body_bytes=1000
    ) as address:
        away = httpx.post(f"{address}{path}", json=ONE_TOKEN)
    assert away.status_code == 502
    assert away.headers["content-type"] == kind
    assert int(away.headers["retry-after"]) > 0
    assert "web_unreachable" in away.text
