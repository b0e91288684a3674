"""What a request is answered: pieces as they come, and each choice as it has come to be."""

from typing import NamedTuple

from inference.engine.wire import Accepted, Output, TokenLogprob
from inference.gateway.spec import ItemsSpec, Spec


class Piece(NamedTuple):
    """News of one choice. `tokens` were made for it; any of them may be empty."""

    choice: int  # its index
    text: str
    tokens: int
    logprobs: list[TokenLogprob]
    finish_reason: str = ""  # of a choice's last piece
    outputs: list[tuple[int, Output]] = []  # answers to items, each with its item's place


class Choice:
    """One of the answers to a request, as far as it has come."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self.logprobs: list[TokenLogprob] = []
        self.finish_reason = ""

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def add(self, piece: Piece) -> None:
        """Take what is new."""
        self._texts.append(piece.text)
        self.logprobs += piece.logprobs
        self.finish_reason = piece.finish_reason


class Answered:
    """All choices of one request, or all outputs."""

    def __init__(self, spec: Spec | None = None) -> None:
        self.choices = [Choice() for _ in range(spec.choices if spec else 1)]
        self._outputs: dict[int, Output] = {}
        self._items = len(spec.items) if isinstance(spec, ItemsSpec) else 0
        self.accepted: Accepted | None = None  # its place in the queue of the replica that took it

    def add(self, piece: Piece) -> None:
        """Take what is new of one choice."""
        self.choices[piece.choice].add(piece)
        if piece.outputs:
            self._outputs.update(piece.outputs)

    @property
    def outputs(self) -> list[Output]:
        """The answer to each item, in their order, once all have come."""
        return [self._outputs[place] for place in range(self._items)]

    @property
    def text(self) -> str:
        """The text for the history: the choices one below the other."""
        return "\n\n".join(choice.text for choice in self.choices)
