"""Files of requests for the tests of batches, and what came of them."""

import json
import time
from collections.abc import Iterable
from typing import Any, Final

import openai
from openai.types import Batch

from tests.live_web import LiveWeb

ENDED: Final = ("completed", "failed", "expired", "cancelled")
CHAT: Final = "/v1/chat/completions"


def sdk(web: LiveWeb, key: str = "ada") -> openai.OpenAI:
    """Return OpenAI's own client."""
    return openai.OpenAI(
        base_url=f"{web.base_url}/v1", api_key=web.keys.get(key, key), max_retries=0
    )


def chat_line(custom_id: str, model: str, **body: Any) -> dict[str, Any]:
    """Return a line that asks for a chat completion."""
    messages = [{"role": "user", "content": f"Hello, {custom_id}"}]
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": CHAT,
        "body": {"model": model, "messages": messages, "max_tokens": 5, **body},
    }


def jsonl(lines: Iterable[Any]) -> bytes:
    """Return lines as a file: objects as JSON, texts as they are."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    return "".join(f"{text}\n" for text in texts).encode()


def begin(client: openai.OpenAI, content: bytes, endpoint: Any = CHAT, **fields: Any) -> Batch:
    """Send a file and begin a batch of it."""
    sent = client.files.create(file=("requests.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=sent.id, endpoint=endpoint, completion_window="24h", **fields
    )


def ended(client: openai.OpenAI, batch: Batch, seconds: float = 120) -> Batch:
    """Wait until the batch has ended and return it."""
    return reached(client, batch, *ENDED, seconds=seconds)


def reached(client: openai.OpenAI, batch: Batch, *statuses: str, seconds: float = 120) -> Batch:
    """Wait until the batch has one of the statuses and return it."""
    deadline = time.monotonic() + seconds
    while (now := client.batches.retrieve(batch.id)).status not in statuses:
        assert time.monotonic() < deadline, f"not {statuses} within {seconds} s: {now}"
        time.sleep(0.25)  # between two looks
    return now


def answers(client: openai.OpenAI, file_id: str | None) -> dict[str, Any]:
    """Return the lines of an output or error file by custom_id, each of which is there once."""
    assert file_id is not None
    lines = [json.loads(line) for line in client.files.content(file_id).text.splitlines()]
    found = {line["custom_id"]: line for line in lines}
    assert len(found) == len(lines), "a line is there twice"
    return found
