"""What prompts are counted with, each read once from its model's own files."""

import asyncio
from pathlib import Path
from typing import Final

from aiplatform.snapshot import Snapshot
from inference.engine.text.chat_template import TemplateError
from inference.engine.text.tokenizer import Tokenizer, TokenizerError
from inference.gateway import errors
from inference.gateway.served import ServedModel

FRESH_S: Final = 1.0


class _Files:
    """One model directory; its tokenizer is loaded anew when the file is another one."""

    def __init__(self, model: ServedModel) -> None:
        self._model = model.name
        self._directory = Path(model.directory)
        self._version = 0  # time of change, ns
        self._tokenizer: Tokenizer | None = None

    async def read(self) -> Tokenizer:
        """Return the tokenizer. Raises ApiError. Loading takes tens of milliseconds: a thread."""
        try:
            version = (self._directory / "tokenizer.json").stat().st_mtime_ns
            if self._tokenizer is None or version != self._version:
                self._tokenizer = await asyncio.to_thread(Tokenizer.load, self._directory)
                self._version = version
        except FileNotFoundError as error:
            raise self._unready("its files are still being prepared", 10) from error
        except (TokenizerError, TemplateError) as error:
            raise self._unready(str(error), 60) from error
        return self._tokenizer

    def _unready(self, state: str, retry_after: float) -> Exception:
        return errors.model_not_ready(model=self._model, state=state, retry_after=retry_after)


_by_directory: Final[dict[str, Snapshot[Tokenizer]]] = {}


async def tokenizer_of(model: ServedModel) -> Tokenizer:
    """Return the tokenizer that the model's own files describe. Raises ApiError without one."""
    if model.directory not in _by_directory:
        _by_directory[model.directory] = Snapshot(_Files(model).read, FRESH_S)
    return await _by_directory[model.directory].get()
