"""An engine over a model that reads pictures, in this process, and requests of it."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from inference.engine.config import RunnerConfig
from inference.engine.engine import Engine
from inference.engine.loading import load_engine
from inference.engine.log import Log
from inference.engine.model_directory import ModelDirectory
from inference.engine.statistics import Statistics
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.wire import Deltas, Failed, Finished, Message, Submit
from tests.hostile_images import noise, saved


@dataclass
class Looking:
    """The engine, and what it answered so far."""

    engine: Engine
    tokenizer: Tokenizer
    statistics: Statistics
    texts: dict[str, str] = field(default_factory=dict)
    ends: dict[str, Finished | Failed] = field(default_factory=dict)

    def ask(self, name: str, messages: Any, pictures: list[bytes], n: int, **more: Any) -> None:
        """Queue a conversation."""
        prompt = self.tokenizer.encode_chat(messages)
        self.engine.submit("here", Submit(name, prompt, n, images=pictures, **more))

    @torch.inference_mode()
    def finish(self) -> None:
        """Step until everything has ended."""
        self.engine.flush()
        while self.engine.busy:
            self.engine.step()

    def take(self, frames: list[tuple[Hashable, list[Message]]]) -> None:
        for message in (message for _, messages in frames for message in messages):
            match message:
                case Deltas():
                    for delta in message.items:
                        self._add(delta.request_id, delta.text)
                case Finished():
                    self._add(message.request_id, message.text)
                    self.ends[message.request_id] = message
                case Failed():
                    self.ends[message.request_id] = message

    def _add(self, name: str, text: str) -> None:
        self.texts[name] = self.texts.get(name, "") + text


@torch.inference_mode()
def looking(directory: Path, **changes: Any) -> Looking:
    """Return an engine over the model in `directory`, loaded as a runner does in float32."""
    config = RunnerConfig(
        model="tiny",
        directory=str(directory),
        socket="",
        **{"dtype": "float32", "slots": 4, "prefill_budget": 16, "context_length": 256, **changes},
    )
    taken: list[Looking] = []
    statistics = Statistics()
    engine = load_engine(
        config,
        ModelDirectory(directory),
        statistics=statistics,
        log=Log("tiny"),
        deliver=lambda frames: taken[0].take(frames),
    )
    taken.append(Looking(engine, Tokenizer.load(directory), statistics))
    return taken[0]


def picture(seed: int, size: tuple[int, int] = (91, 64), kind: str = "PNG") -> bytes:
    """Return the file of a picture that no other seed makes."""
    return saved(noise(size, seed), kind)


def asked(text: str, pictures: int = 1) -> list[dict[str, Any]]:
    """Return a message of the user with pictures before its text."""
    parts: list[dict[str, str]] = [{"type": "image"} for _ in range(pictures)]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]
