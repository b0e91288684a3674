"""From a valid body of /v1/chat/completions or /v1/completions to what the gateway takes."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api import fields
from inference.api.openai.content import conversation
from inference.engine.text.tokenizer import Tokenizer
from inference.gateway.picture_files import Picture
from inference.gateway.prompting import Encode, build_spec
from inference.gateway.spec import GenerationSpec

_COMPLETION_TOKENS: Final = 16  # OpenAI's default for /v1/completions


async def chat_spec(principal: Principal, body: dict[str, Any]) -> GenerationSpec:
    """Return what a valid body of /v1/chat/completions asks for. Raises ApiError."""
    read = await conversation([_message(one) for one in body["messages"]])
    limit = body.get("max_completion_tokens")
    return await _spec(
        principal,
        body,
        asked=read.asked,
        encode=lambda tokenizer: tokenizer.encode_chat(read.messages),
        characters=read.characters,
        max_tokens=limit if limit is not None else body.get("max_tokens"),
        prompt_field="messages",
        pictures=read.pictures,
    )


async def completion_spec(principal: Principal, body: dict[str, Any]) -> GenerationSpec:
    """Return what a valid body of /v1/completions asks for. Raises ApiError."""
    prompt = body["prompt"]
    limit = body.get("max_tokens")

    def encode(tokenizer: Tokenizer) -> list[int]:
        return tokenizer.encode(prompt) if isinstance(prompt, str) else _known(prompt, tokenizer)

    return await _spec(
        principal,
        body,
        asked=prompt,
        encode=encode,
        characters=len(prompt),
        max_tokens=_COMPLETION_TOKENS if limit is None else limit,
        prompt_field="prompt",
    )


def _known(ids: list[int], tokenizer: Tokenizer) -> list[int]:
    """Return `ids`. Raises ApiError for one that the model does not have."""
    size = tokenizer.vocabulary_size
    if max(ids) >= size:
        detail = f"prompt: a token id is over {size - 1}, the last one of this model."
        raise ApiError(400, "invalid_request", detail, param="prompt")
    return ids


async def _spec(
    principal: Principal,
    body: dict[str, Any],
    *,
    asked: Any,
    encode: Encode,
    characters: int,
    max_tokens: int | None,
    prompt_field: str,
    pictures: Sequence[Picture] = (),
) -> GenerationSpec:
    return await build_spec(
        principal,
        model=body.get("model"),
        asked=asked,
        encode=encode,
        characters=characters,
        max_tokens=max_tokens,
        sampling=partial(fields.sampling_of, body),
        stopping=fields.stopping_of(body),
        stream=bool(body.get("stream")),
        n=body.get("n") or 1,
        prompt_field=prompt_field,
        max_tokens_field="max_tokens",
        pictures=pictures,
    )


def _message(message: dict[str, Any]) -> dict[str, Any]:
    # `developer` is OpenAI's newer word for the system's message; templates know the older one.
    role = "system" if message["role"] == "developer" else message["role"]
    return {**message, "role": role}
