"""From texts to an `ItemsSpec`: model, token ids, and the bounds on both."""

import asyncio
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.engine.task import EMBEDDINGS, MODERATION, RERANK
from inference.engine.text.tokenizer import Encoded, TextError
from inference.engine.wire import Item, Tokens
from inference.gateway import errors
from inference.gateway.served import served_model
from inference.gateway.spec import EmbeddingsSpec, ItemsSpec
from inference.gateway.text_models import EmbeddingModel, TextModel, embedding_model, text_model

MAX_TOTAL_TOKENS: Final = 1 << 20  # of one request
# Above this many characters tokenizing takes over a millisecond and moves to a thread, where the
# tokenizers library lets other work go on.
_INLINE_CHARACTERS: Final = 8_000

Input = str | list[int]


async def embeddings_spec(
    principal: Principal,
    *,
    model: str | None,
    inputs: Sequence[Input],
    asked: Any,
    dimensions: int | None,
    truncate: bool,
    encoding: str,
) -> EmbeddingsSpec:
    """Return what asks for a vector of each input. Raises ApiError that names the field."""
    served = await served_model(principal, model, EMBEDDINGS)
    known = await embedding_model(served)
    size = _dimensions(known, dimensions)

    def encode() -> list[Item]:
        encoded = _Texts(known, truncate, "input").all(_prompted(known, inputs))
        return [_item(ids, dimensions=size) for ids in encoded]

    items, tokens = await _read(encode, _characters(inputs))
    return EmbeddingsSpec(model=served, asked=asked, items=items, tokens=tokens, encoding=encoding)


async def moderation_spec(
    principal: Principal, *, model: str | None, inputs: Sequence[str], asked: Any
) -> ItemsSpec:
    """Return what asks for the labels of each text. Raises ApiError that names the field."""
    served = await served_model(principal, model, MODERATION)
    texts = _Texts(await text_model(served), False, "input")
    items, tokens = await _read(
        lambda: [_item(ids) for ids in texts.all(inputs)], _characters(inputs)
    )
    return ItemsSpec(model=served, asked=asked, items=items, tokens=tokens)


async def rerank_spec(
    principal: Principal,
    *,
    model: str | None,
    query: str,
    documents: Sequence[str],
    asked: Any,
    truncate: bool,
) -> ItemsSpec:
    """Return what asks how well each document answers the query. Raises ApiError."""
    served = await served_model(principal, model, RERANK)
    texts = _Texts(await text_model(served), truncate, "documents")

    def encode() -> list[Item]:
        return [_pair(*texts.pair(query, one, place)) for place, one in enumerate(documents)]

    characters = len(query) * len(documents) + _characters(documents)
    items, tokens = await _read(encode, characters)
    return ItemsSpec(model=served, asked=asked, items=items, tokens=tokens)


class _Texts:
    """Token ids of texts, each no longer than the model reads."""

    def __init__(self, model: TextModel, truncate: bool, field: str) -> None:
        self._tokenizer = model.tokenizer
        self._length = model.length
        self._truncate = truncate
        self._field = field

    def all(self, inputs: Sequence[Input]) -> list[list[int]]:
        """Return the ids of each input. Raises ApiError that names the first that is too long."""
        texts = [one for one in inputs if isinstance(one, str)]
        encoded = iter(self._tokenizer.encode_all(texts) if texts else ())
        return [
            self._bounded(next(encoded) if isinstance(one, str) else self._known(one), one, place)
            for place, one in enumerate(inputs)
        ]

    def pair(self, first: str, second: str, place: int) -> Encoded:
        """Return the ids of a pair, and which text each is of. Raises ApiError."""
        ids, segments = self._tokenizer.encode_pair(first, second)
        if len(ids) <= self._length:
            return ids, segments
        if not self._truncate:
            raise self._too_long(len(ids), place)
        return self._tokenizer.encode_cut(first, self._length, second)

    def _bounded(self, ids: list[int], source: Input, place: int) -> list[int]:
        if len(ids) <= self._length:
            return ids
        if not self._truncate:
            raise self._too_long(len(ids), place)
        if isinstance(source, str):
            return self._tokenizer.encode_cut(source, self._length)[0]
        return ids[: self._length]

    def _known(self, ids: list[int]) -> list[int]:
        last = self._tokenizer.vocabulary_size - 1
        if max(ids) > last:
            detail = f"{self._field}: a token id is over {last}, the last one of this model."
            raise ApiError(400, "invalid_request", detail, param=self._field)
        return ids

    def _too_long(self, tokens: int, place: int) -> ApiError:
        param = f"{self._field}[{place}]"
        return errors.text_too_long(tokens=tokens, length=self._length, param=param)


async def _read(encode: Callable[[], list[Item]], characters: int) -> tuple[list[Item], int]:
    """Return the items and how many tokens they have. Raises ApiError."""
    try:
        inline = characters <= _INLINE_CHARACTERS
        items = encode() if inline else await asyncio.to_thread(encode)
    except TextError as error:
        raise errors.prompt_not_renderable(str(error), "input") from error
    tokens = sum(len(item.ids) for item in items if isinstance(item, Tokens)) // _ID_BYTES
    if tokens > MAX_TOTAL_TOKENS:
        detail = f"The request has {tokens:,} tokens; {MAX_TOTAL_TOKENS:,} is the most of one."
        raise ApiError(400, "invalid_request", detail, param="input")
    return items, tokens


_ID_BYTES: Final = 4


def _item(ids: list[int], dimensions: int = 0) -> Tokens:
    return Tokens(_packed(ids), dimensions=dimensions)


def _pair(ids: list[int], segments: list[int]) -> Tokens:
    return Tokens(_packed(ids), bytes(segments))


def _packed(ids: list[int]) -> bytes:
    return array("i", ids).tobytes()  # both sides of the wire are on one machine


def _prompted(model: EmbeddingModel, inputs: Sequence[Input]) -> list[Input]:
    """Return the inputs as the model was trained on them; token ids are taken as they are."""
    files = model.files
    return [
        files.prompt + (one.lower() if files.lower_case else one) if isinstance(one, str) else one
        for one in inputs
    ]


def _dimensions(model: EmbeddingModel, asked: int | None) -> int:
    """Return how many to keep, 0 for all. Raises ApiError for what the model cannot give."""
    files = model.files
    if asked is None or asked == files.dimensions:
        return 0
    trained = files.shorter
    if asked > files.dimensions or (trained and asked not in trained):
        can = ", ".join(map(str, trained)) or f"1 to {files.dimensions}"
        detail = f"dimensions: {asked} is none that this model gives; it gives {can}."
        raise ApiError(400, "invalid_request", detail, param="dimensions")
    return asked


def _characters(inputs: Sequence[Input]) -> int:
    return sum(map(len, inputs))
