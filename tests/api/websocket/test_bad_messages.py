"""What is no message, or asks what cannot be, is refused by name, and the socket goes on."""

import contextlib
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.api.websocket.clients import Client, opened, socket
from tests.canned_runner import Script
from tests.live_web import LiveWeb

LEAKS = ("Traceback", "msgspec", "django", "rest_framework", "Error(", "0x")
CHAT = {"id": "a", "messages": [{"role": "user", "content": "Hello"}]}


async def refusal(client: Client, sent: Any) -> dict[str, Any]:
    """Return the error that `sent` is answered with, having seen that the socket still works."""
    await client.connection.send(sent if isinstance(sent, str) else json.dumps(sent))
    error = await client.next()
    assert error["type"] == "error", error
    assert len(json.dumps(error)) < 3_000, "an error must not echo what was sent"
    assert not any(leak in error["detail"] for leak in LEAKS)
    await client.say("ping", nonce="still here")
    assert (await client.next())["nonce"] == "still here"
    return error


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "{", "\x00", '{"type": "ping"', "[" * 100_000, '{"type": "ping"} {}', "NaN"],
    ids=lambda text: text[:8],
)
async def test_what_is_not_json_is_refused(live_web: LiveWeb, text: str) -> None:
    async with socket(live_web) as client:
        error = await refusal(client, text)
        assert (error["code"], error["status"], error["id"]) == ("invalid_json", 400, None)


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ([], "unknown_type", "type"),
        (True, "unknown_type", "type"),
        (7, "unknown_type", "type"),
        ({}, "unknown_type", "type"),
        ({"type": "explode" * 1000}, "unknown_type", "type"),
        ({"type": 7}, "unknown_type", "type"),
        ({"type": ["generate"]}, "unknown_type", "type"),
        ({"type": "generate", **CHAT, "temperature": 1}, "unknown_parameter", "temperature"),
        ({"type": "cancel", "id": "a", "why": "so"}, "unknown_parameter", "why"),
        ({"type": "cancel"}, "invalid_request", None),
        ({"type": "cancel", "id": 7}, "invalid_request", "id"),
        ({"type": "cancel", "id": ""}, "invalid_request", "id"),
        ({"type": "cancel", "id": "x" * 65}, "invalid_request", "id"),
        ({"type": "cancel", "id": "nobody"}, "unknown_id", "id"),
        ({"type": "resume", "id": "a", "request_id": "x", "seq": -1}, "invalid_request", "seq"),
        ({"type": "resume", "id": "a", "request_id": "x", "seq": 1.5}, "invalid_request", "seq"),
        ({"type": "resume", "id": "a", "request_id": "x", "seq": 0}, "not_resumable", "request_id"),
        ({"type": "ping", "nonce": "x" * 65}, "invalid_request", "nonce"),
        ({"type": "authenticate", "token": None}, "invalid_request", "token"),
        ({"type": "authenticate", "token": "no key"}, "invalid_api_key", None),
        ({"type": "generate", "id": "a"}, "invalid_request", "messages"),
        ({"type": "generate", **CHAT, "prompt": "both"}, "invalid_request", "messages"),
        ({"type": "generate", "id": "a", "messages": []}, "invalid_request", "messages"),
        ({"type": "generate", "id": "a", "messages": "Hello"}, "invalid_request", "messages"),
        ({"type": "generate", "id": "a", "prompt": 7}, "invalid_request", "prompt"),
        ({"type": "generate", **CHAT, "model": "nobody"}, "model_not_found", "model"),
        ({"type": "generate", **CHAT, "model": 7}, "invalid_request", "model"),
        ({"type": "generate", **CHAT, "resumable": "yes"}, "invalid_request", "resumable"),
        ({"type": "generate", **CHAT, "parameters": []}, "invalid_request", "parameters"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
async def test_what_is_no_message_is_refused_by_name(
    live_web: LiveWeb, message: Any, code: str, param: str | None
) -> None:
    async with socket(live_web) as client:
        error = await refusal(client, message)
        assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    ("parameters", "code", "param"),
    [
        ({"colour": "red"}, "unknown_parameter", "colour"),
        ({"tools": [{"type": "function"}]}, "unsupported_parameter", "tools"),
        ({"temperature": 9}, "invalid_request", "temperature"),
        ({"max_tokens": "many"}, "invalid_request", "max_tokens"),
        ({"stream": False}, "unknown_parameter", "parameters.stream"),
        ({"model": "tiny"}, "unknown_parameter", "parameters.model"),
        ({"n": 17}, "invalid_request", "n"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
async def test_parameters_are_refused_as_by_v1(
    live_web: LiveWeb, parameters: dict[str, Any], code: str, param: str
) -> None:
    async with socket(live_web) as client:
        error = await refusal(client, {"type": "generate", **CHAT, "parameters": parameters})
        assert (error["id"], error["code"], error["param"]) == ("a", code, param)


async def test_a_second_one_with_the_same_id_is_refused_and_the_first_goes_on(
    live_web: LiveWeb,
) -> None:
    script = Script(tokens=30, interval_s=0.02)
    async with live_web.runner(script) as runner, socket(live_web) as client:
        await client.ask("same", runner.model)
        await client.of("same", "delta")
        await client.ask("same", runner.model)
        error = await client.of(None, "error")
        assert (error["code"], error["status"], error["param"]) == ("duplicate_id", 409, "id")
        assert (await client.of("same", "finished"))["usage"]["completion_tokens"] == 30
        assert runner.counters.accepted == 1


async def test_more_than_the_most_at_once_are_refused(live_web: LiveWeb) -> None:
    script = Script(tokens=10_000, interval_s=0.05)
    async with live_web.runner(script) as runner, socket(live_web) as client:
        for number in range(33):
            await client.ask(f"g{number}", runner.model)
        error = await client.of("g32")
        assert (error["code"], error["status"]) == ("too_many_generations", 429)
        await client.say("cancel", id="g0")
        await client.of("g0", "finished")
        await client.ask("g33", runner.model)
        assert (await client.of("g33"))["type"] == "accepted"


async def test_a_binary_message_closes_the_socket(live_web: LiveWeb) -> None:
    async with socket(live_web) as client:
        await client.connection.send(b'{"type": "ping"}')
        assert (await client.closed())[0] == 1003


async def test_a_message_over_the_bound_closes_the_socket(live_web: LiveWeb) -> None:
    async with opened(live_web) as client:
        with contextlib.suppress(ConnectionClosed):  # before all of it was sent
            await client.say("ping", nonce="x" * 5_000_000)
        assert (await client.closed())[0] == 1009
    async with socket(live_web) as client:  # and nobody else's
        await client.ask("a")
        assert (await client.whole("a"))[-1]["type"] == "finished"
