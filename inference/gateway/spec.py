"""What a door asks the gateway for."""

from typing import Any

import msgspec

from inference.engine.wire import Sampling
from inference.gateway.served import ServedModel


class Stopping(msgspec.Struct, frozen=True):
    """What ends an answer before its length does."""

    strings: list[str] = []
    token_ids: list[int] = []
    min_tokens: int = 0  # until then nothing does
    ignore_eos: bool = False


class GenerationSpec(msgspec.Struct, frozen=True):
    """One generation, whatever door it came in by; the prompt already tokenized."""

    model: ServedModel
    prompt: list[int]  # token ids
    asked: Any  # the text or messages as they came, for the history
    max_tokens: int  # new tokens, at most what the context leaves
    sampling: Sampling
    stopping: Stopping
    stream: bool
    n: int = 1  # choices, each of at most `max_tokens`
    priority: int = 0  # 0 interactive, 1 jobs, 2 batch
