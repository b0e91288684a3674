"""The three doors that generate, as tables of tests see them."""

from dataclasses import dataclass
from typing import Any, Final

import httpx


@dataclass(frozen=True, eq=False)
class GenerationDoor:
    """One door: where it is, the smallest body it takes, and how it writes an error."""

    address: str
    smallest: dict[str, Any]
    prompt_field: str
    max_tokens_field: str
    openai: bool

    def __str__(self) -> str:
        return self.address.rsplit("/", 1)[-1]

    def asking(self, /, **fields: Any) -> dict[str, Any]:
        """Return the smallest body with `fields` beside or instead."""
        return {**self.smallest, **fields}


CHAT: Final = GenerationDoor(
    "/v1/chat/completions",
    {"messages": [{"role": "user", "content": "Hello"}]},
    "messages",
    "max_tokens",
    openai=True,
)
COMPLETIONS: Final = GenerationDoor(
    "/v1/completions", {"prompt": "Hello"}, "prompt", "max_tokens", openai=True
)
NATIVE: Final = GenerationDoor(
    "/api/v1/generate/text", {"text": "Hello"}, "text", "max_length", openai=False
)
DOORS: Final = (CHAT, COMPLETIONS, NATIVE)

# What only a traceback or the text of a foreign exception would say.
_LEAKS: Final = ("Traceback", 'File "', "msgspec", "django", "rest_framework", "Error(", "0x")


@dataclass(frozen=True)
class Refusal:
    """An error, read out of either form of body."""

    status: int
    code: str
    detail: str
    param: str | None


def refusal(response: httpx.Response) -> Refusal:
    """Return what an error answer says, having checked its form."""
    assert response.status_code >= 400, response.text
    assert not any(leak in response.text for leak in _LEAKS), response.text
    assert len(response.content) < 4_000, "an error must not echo what was sent"
    body = response.json()
    request_id = response.headers["x-request-id"]
    if response.url.path.startswith("/v1/"):
        return _openai(response, body)
    assert response.headers["content-type"] == "application/problem+json"
    assert body["status"] == response.status_code
    assert body["error"] == body["title"]
    assert body["type"] == "about:blank"
    assert body["request_id"] == request_id
    return Refusal(response.status_code, body["code"], body["detail"], body.get("param"))


def _openai(response: httpx.Response, body: dict[str, Any]) -> Refusal:
    assert response.headers["content-type"] == "application/json"
    error = body["error"]
    assert set(error) - {"limit"} == {"message", "type", "param", "code"}
    return Refusal(response.status_code, error["code"], error["message"], error["param"])
