"""What a request is answered: pieces as they come, and each choice as it has come to be."""

from typing import NamedTuple

from inference.engine.wire import Accepted, TokenLogprob


class Piece(NamedTuple):
    """News of one choice. `tokens` were made for it; any of the three may be empty."""

    choice: int  # its index
    text: str
    tokens: int
    logprobs: list[TokenLogprob]
    finish_reason: str = ""  # of a choice's last piece


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
    """All choices of one request."""

    def __init__(self, n: int) -> None:
        self.choices = [Choice() for _ in range(n)]
        self.accepted: Accepted | None = None  # its place in the queue of the replica that took it

    def add(self, piece: Piece) -> None:
        """Take what is new of one choice."""
        self.choices[piece.choice].add(piece)

    @property
    def text(self) -> str:
        """The text for the history: the choices one below the other."""
        return "\n\n".join(choice.text for choice in self.choices)
