"""A stand-in for a hub's file endpoints, on this machine."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository, owner/name, at one commit; what it answers can be bent."""

    files: dict[str, bytes]
    endpoint: str = ""
    sha: str = REVISION
    redirects: bool = True  # large files lie elsewhere, as a hub's do
    sent: dict[str, bytes] = field(default_factory=dict)  # in place of what is listed
    asked: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)

    def listing(self) -> dict[str, Any]:
        return {"sha": self.sha, "siblings": [self._entry(name) for name in self.files]}

    def _entry(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        entry: dict[str, Any] = {"rfilename": name, "size": len(content)}
        if name.endswith(".safetensors"):
            entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        return entry


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve it on a port of its own until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            hub.asked.append(path)
            hub.authorizations.append(self.headers.get("Authorization"))
            repository, files = "owner/name", f"/owner/name/resolve/{REVISION}/"
            if path == f"/api/models/{repository}/revision/{REVISION}":
                self._send(json.dumps(hub.listing()).encode())
            elif path.startswith(files) and path.endswith(".safetensors") and hub.redirects:
                self.send_response(302)
                self.send_header("Location", f"/elsewhere/{path.removeprefix(files)}")
                self.end_headers()
            else:
                name = path.removeprefix(files).removeprefix("/elsewhere/")
                self._send({**hub.files, **hub.sent}.get(name))

        def _send(self, content: bytes | None) -> None:
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield hub
        server.shutdown()
        thread.join()
