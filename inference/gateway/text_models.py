"""What the gateway must know of models that read texts: how long one may be, what comes of it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from aiplatform.snapshot import Snapshot
from inference.engine.checkpoint import CheckpointError
from inference.engine.embedding_files import EmbeddingFiles
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.text_length import text_length
from inference.gateway import errors
from inference.gateway.prompt_tokenizers import tokenizer_of
from inference.gateway.served import ServedModel

FRESH_S: Final = 5.0
T = TypeVar("T")


class TextModel(msgspec.Struct, frozen=True):
    """A model that reads texts whole, one answer each."""

    tokenizer: Tokenizer
    length: int  # tokens of one text, at most


class EmbeddingModel(TextModel, frozen=True):
    """A model that makes vectors."""

    files: EmbeddingFiles


_embeddings: Final[dict[str, Snapshot[EmbeddingFiles]]] = {}
_lengths: Final[dict[str, Snapshot[int]]] = {}
_UNBOUNDED: Final = 1 << 30


async def embedding_model(model: ServedModel) -> EmbeddingModel:
    """Return what the model's own files say. Raises ApiError where they are not there yet."""
    files = await _known(_embeddings, model, EmbeddingFiles.read)
    length = min(model.context_length, files.length or model.context_length)
    return EmbeddingModel(await tokenizer_of(model), length, files)


async def text_model(model: ServedModel) -> TextModel:
    """Return what the model's own files say. Raises ApiError where they are not there yet."""
    length = await _known(_lengths, model, _length)
    return TextModel(await tokenizer_of(model), min(model.context_length, length))


def _length(directory: Path) -> int:
    return text_length(json.loads((directory / "config.json").read_bytes())) or _UNBOUNDED


async def _known(kept: dict[str, Snapshot[T]], model: ServedModel, read: Callable[[Path], T]) -> T:
    async def reading() -> T:
        try:
            return await asyncio.to_thread(read, Path(model.directory))
        except (OSError, ValueError, CheckpointError) as error:
            state = "its files are still being prepared"
            if isinstance(error, CheckpointError):
                state = str(error)
            raise errors.model_not_ready(model=model.name, state=state, retry_after=10) from error

    if model.directory not in kept:
        kept[model.directory] = Snapshot(reading, FRESH_S)
    return await kept[model.directory].get()
