"""An OpenAI server that says the same thing 20 ms after it was asked: what a proxy stands before.

As little ASGI as possible, so that its own time is the delay and hardly anything else.
"""

import asyncio
from typing import Any, Final

import msgspec

from benchmarks.answer import DELAY_S, TOKENS, WORD

_BODY: Final = msgspec.json.encode(
    {
        "id": "chatcmpl-mock",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "mock",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": f"{WORD} " * TOKENS},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 32, "completion_tokens": TOKENS, "total_tokens": 32 + TOKENS},
    }
)
_START: Final = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_BODY)).encode()),
    ],
}
_END: Final = {"type": "http.response.body", "body": _BODY}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request alike. Run without lifespan: there is nothing to start."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(DELAY_S)
    await send(_START)
    await send(_END)
