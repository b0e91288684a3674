"""From what was asked to a `GenerationSpec`: model, token ids, and the room left for the answer."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.engine.task import CHAT
from inference.engine.text.chat_template import TemplateError
from inference.engine.text.tokenizer import TextError, Tokenizer
from inference.engine.wire import Sampling
from inference.gateway import errors
from inference.gateway.picture_files import Picture
from inference.gateway.prompt_tokenizers import tokenizer_of
from inference.gateway.served import ServedModel, served_model
from inference.gateway.spec import GenerationSpec, Stopping

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
    stopping: Stopping,
    stream: bool,
    n: int,
    prompt_field: str,
    max_tokens_field: str,
    pictures: Sequence[Picture] = (),
) -> GenerationSpec:
    """Return the spec of one generation. Raises ApiError that names the field.

    `encode` turns the tokenizer into token ids, `characters` says how long that may take,
    `sampling` fills in what the model recommends, `max_tokens` None asks for as much as the model
    gives. The prompt that `encode` makes has room for each of `pictures`.
    """
    served = await served_model(principal, model, CHAT)
    tokenizer = await tokenizer_of(served)
    if pictures and tokenizer.vision is None:
        raise errors.reads_no_pictures(model=served.name, param=pictures[0].param)
    try:
        prompt = await _encoded(encode, tokenizer, characters)
    except (TemplateError, TextError) as error:
        raise errors.prompt_not_renderable(str(error), prompt_field) from error
    bound = _bounded(served, prompt, max_tokens, prompt_field, max_tokens_field)
    chosen = sampling(served)
    _check_tokens("logit_bias", chosen.logit_bias, tokenizer)
    _check_tokens("stop_token_ids", stopping.token_ids, tokenizer)
    _check_at_most("min_tokens", stopping.min_tokens, bound, "the most this answer may have")
    _check_at_most("n", n, served.slots, "as many as this model answers at once")
    return GenerationSpec(
        model=served,
        asked=asked,
        stream=stream,
        prompt=prompt,
        max_tokens=bound,
        sampling=chosen,
        stopping=stopping,
        n=n,
        pictures=[one.content for one in pictures],
    )


def _check_tokens(field: str, tokens: Iterable[int], tokenizer: Tokenizer) -> None:
    """Raise ApiError for a token that the model does not have."""
    last = tokenizer.vocabulary_size - 1
    if any(token > last for token in tokens):
        detail = f"{field}: a token id is over {last}, the last one of this model."
        raise ApiError(400, "invalid_request", detail, param=field)


def _check_at_most(field: str, value: int, bound: int, what: str) -> None:
    if value > bound:
        detail = f"{field}: {value} is over {bound}, {what}."
        raise ApiError(400, "invalid_request", detail, param=field)


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
