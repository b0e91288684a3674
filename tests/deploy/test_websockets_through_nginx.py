"""A websocket passes nginx, with the address of who is behind it, and tokens as they are made."""

import json
import time
from itertools import pairwise
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.deploy.installation import TOKENS, Installation


def _opened(installation: Installation) -> ClientConnection:
    address = installation.address.replace("http://", "ws://")
    lies = {"X-Forwarded-For": "203.0.113.9"}
    return connect(f"{address}/ws/generate", additional_headers=lies, proxy=None)


def _say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    socket.send(json.dumps({"type": kind, **fields}))


def _heard(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(timeout=30))
    return message


def test_every_token_arrives_before_the_next_one_is_made(installation: Installation) -> None:
    with _opened(installation) as socket:
        _say(socket, "authenticate", token=installation.key)
        assert _heard(socket)["type"] == "authenticated"
        _say(socket, "generate", id="a", prompt="abcd", parameters={"max_tokens": 64})
        accepted = _heard(socket)
        assert accepted["type"] == "accepted"
        tokens = []
        while (message := _heard(socket))["type"] == "delta":
            tokens.append((float(message["text"]), time.monotonic()))
        assert message["type"] == "finished"
    assert len(tokens) == TOKENS
    for (_, arrived), (next_sent, _) in pairwise(tokens):
        assert arrived < next_sent
    door, address = installation.history("door, client_address")[0]
    assert (door, str(address).partition("/")[0]) == ("ws/generate", "127.0.0.1")


def test_a_client_that_leaves_is_cancelled_behind_the_proxy(installation: Installation) -> None:
    with _opened(installation) as socket:
        _say(socket, "authenticate", token=installation.key)
        _say(socket, "generate", id="a", prompt="abcd", parameters={"max_tokens": 64})
        while _heard(socket)["type"] != "delta":
            pass
    deadline = time.monotonic() + 10
    while installation.history("status")[:1] != [("cancelled",)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)  # between two looks at the database
