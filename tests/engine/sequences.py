"""Sequences for tests of what chooses their tokens, without an engine around them."""

from pathlib import Path
from typing import Any

import pytest

from inference.engine.completion_text import CompletionText
from inference.engine.sequence import Sequence
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.uniforms import UniformStream
from inference.engine.wire import Sampling, Submit
from tests.engine import tiny_models


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    directory: Path = tmp_path_factory.mktemp("tokenizer")
    tiny_models.tokenizer().save_pretrained(directory)
    return Tokenizer.load(directory)


def sequence(
    tokenizer: Tokenizer,
    prompt: list[int] | None = None,
    *,
    eos_ids: frozenset[int] = frozenset(),
    stop_token_ids: list[int] | None = None,
    min_tokens: int = 0,
    **sampling: Any,
) -> Sequence:
    """Return a sequence that samples as `sampling` says, of at most 64 tokens."""
    settings = Sampling(**sampling)
    request = Submit(
        "x",
        prompt or [1],
        64,
        settings,
        stop_token_ids=stop_token_ids or [],
        min_tokens=min_tokens,
    )
    return Sequence(
        connection=None,
        request=request,
        text=CompletionText(tokenizer, []),
        uniforms=UniformStream(settings.seed),
        eos_ids=eos_ids,
    )
