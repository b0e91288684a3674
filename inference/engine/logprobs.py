"""Logprobs: how likely the model held each token of a completion, and what it held likelier.

They are of the model's own distribution, as OpenAI's and vLLM's are: the log-softmax of its logits
before temperature, penalties, bias and any cut. So they do not depend on how tokens are chosen.
"""

from collections import deque
from collections.abc import Sequence as Rows
from typing import NamedTuple

import torch
from torch import Tensor

from inference.engine.largest import top
from inference.engine.text.token_bytes import TokenBytes
from inference.engine.wire import TokenLogprob

MAX_ALTERNATIVES = 20
LEAST = -9999.0  # stands for minus infinity, which JSON cannot say; OpenAI's number


class Ranked(NamedTuple):
    """A token's logprob, and the likeliest tokens with theirs, in falling order."""

    logprob: float
    top: list[tuple[int, float]]


def rank(logits: Tensor, tokens: Rows[int]) -> list[Ranked]:
    """Return, for each row of `logits` [B, V], how its token ranks.

    Always among as many alternatives, so that no row depends on what another one asks for.
    """
    scores = logits.float().log_softmax(-1)
    own = scores.gather(-1, torch.tensor(tokens, device=logits.device)[:, None])
    values, ids = top(scores, MAX_ALTERNATIVES)
    likeliest = values.clamp(min=LEAST).tolist()
    rows = zip(own[:, 0].clamp(min=LEAST).tolist(), ids.tolist(), likeliest, strict=True)
    return [Ranked(one, list(zip(top, values, strict=True))) for one, top, values in rows]


class Logprobs:
    """One request's logprobs, each held back until the text that its token made is shown.

    A token whose text is never shown, because a stop string took it, is not named either.
    """

    def __init__(self, alternatives: int, token_bytes: TokenBytes) -> None:
        self._alternatives = alternatives
        self._bytes = token_bytes
        self._held: deque[tuple[int, TokenLogprob]] = deque()

    def add(self, token: int, ranked: Ranked, start: int) -> None:
        """Take the newest token, whose text begins `start` characters into the completion."""
        top = [(self._bytes.of(one), logprob) for one, logprob in ranked.top[: self._alternatives]]
        self._held.append((start, TokenLogprob(self._bytes.of(token), ranked.logprob, top)))

    def take(self, shown: int) -> list[TokenLogprob]:
        """Return those of the tokens that begin within the `shown` characters."""
        taken = []
        while self._held and self._held[0][0] < shown:
            taken.append(self._held.popleft()[1])
        return taken

    def take_all(self) -> list[TokenLogprob]:
        """Return what is left, at an end that no stop string brought about."""
        taken = [logprob for _, logprob in self._held]
        self._held.clear()
        return taken
