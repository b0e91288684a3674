"""From what was asked to a `GenerationSpec`: model, token ids, and the room left for the answer."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.engine.text.chat_template import TemplateError
from inference.engine.text.tokenizer import TextError, Tokenizer
from inference.engine.wire import Sampling
from inference.gateway import errors
from inference.gateway.prompt_tokenizers import tokenizer_of
from inference.gateway.served import ServedModel, served_model
from inference.gateway.spec import GenerationSpec

TASK: Final = "chat"
# Above this many characters tokenizing takes over a millisecond and moves to a thread, where the
# tokenizers library lets other work go on.
_INLINE_CHARACTERS: Final = 8_000

Encode = Callable[[Tokenizer], list[int]]
Sample = Callable[[ServedModel], Sampling]


async def build_spec(
    principal: Principal,
    *,
    model: str | None,
    asked: Any,
    encode: Encode,
    characters: int,
    max_tokens: int | None,
    sampling: Sample,
    stop: list[str],
    stream: bool,
    prompt_field: str,
    max_tokens_field: str,
) -> GenerationSpec:
    """Return the spec of one generation. Raises ApiError that names the field.

    `encode` turns the tokenizer into token ids, `characters` says how long that may take,
    `sampling` fills in what the model recommends, `max_tokens` None asks for as much as the model
    gives.
    """
    served = await served_model(principal, model, TASK)
    tokenizer = await tokenizer_of(served)
    try:
        prompt = await _encoded(encode, tokenizer, characters)
    except (TemplateError, TextError) as error:
        raise errors.prompt_not_renderable(str(error), prompt_field) from error
    bound = _bounded(served, prompt, max_tokens, prompt_field, max_tokens_field)
    return GenerationSpec(served, prompt, asked, bound, sampling(served), stop, stream)


async def _encoded(encode: Encode, tokenizer: Tokenizer, characters: int) -> list[int]:
    if characters <= _INLINE_CHARACTERS:
        return encode(tokenizer)
    return await asyncio.to_thread(encode, tokenizer)


def _bounded(
    model: ServedModel, prompt: list[int], asked: int | None, prompt_field: str, field: str
) -> int:
    """Return how many tokens the answer may have. Raises ApiError."""
    if not prompt:
        raise ApiError(400, "invalid_request", f"{prompt_field}: is empty.", param=prompt_field)
    room = model.context_length - len(prompt)
    if room < 1:
        raise errors.context_length_exceeded(
            prompt=len(prompt), context=model.context_length, param=prompt_field
        )
    if asked is not None and asked > model.max_output_tokens:
        detail = f"{field}: {asked} is over {model.max_output_tokens}, the most of this model."
        raise ApiError(400, "invalid_request", detail, param=field)
    return min(asked or model.max_output_tokens, room)
