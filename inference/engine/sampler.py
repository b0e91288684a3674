"""The sampler: shape → choose → rank, for all rows of a step at once.

Each row's logits are shaped as its request asks, a token is chosen, and where logprobs are asked
for the token is ranked in the model's own distribution. The order is vLLM's: bias and the mask of
what must not end it yet, then the penalties, then what `choose` does.
"""

from collections.abc import Sequence as Rows

import torch
from torch import Tensor

from inference.engine.bias import add_bias, is_biased
from inference.engine.choice import BAD_LOGITS, Choose, choose
from inference.engine.devices import ON_CPU
from inference.engine.logprobs import rank
from inference.engine.penalties import Penalties, is_penalised
from inference.engine.sequence import Sequence


class Sampler:
    """Chooses tokens and remembers what penalties need to know of the sequences."""

    def __init__(self, device: torch.device = ON_CPU, choose: Choose = choose) -> None:
        """Choose, with `choose`, among logits that are on `device`."""
        self._device = device
        self._choose = choose
        self._penalties = Penalties(device)

    def sample(self, logits: Tensor, sequences: Rows[Sequence]) -> list[int]:
        """Return a token for each row of `logits` [B, V], or BAD_LOGITS."""
        shaped = [row for row, sequence in enumerate(sequences) if _is_shaped(sequence)]
        if not shaped:
            tokens = self._choose(logits, sequences)
        else:
            tokens = self._choose_apart(logits, sequences, shaped)
        _rank(logits, sequences, tokens)
        return tokens

    def release(self, sequence: Sequence) -> None:
        """Forget a sequence that has ended."""
        self._penalties.release(sequence)

    def _choose_apart(
        self, logits: Tensor, sequences: Rows[Sequence], shaped: list[int]
    ) -> list[int]:
        """Choose for the rows to be shaped, as float32, and for the others as they are.

        Apart, because equal logits may be ordered differently in another dtype, and no row's text
        may depend on what its neighbours ask for.
        """
        copy = _copied(logits, shaped)
        chosen = self._choose_shaped(copy, [sequences[row] for row in shaped])
        tokens = dict(zip(shaped, chosen, strict=True))
        plain = [row for row in range(len(sequences)) if row not in tokens]
        if plain:
            chosen = self._choose(logits[plain], [sequences[row] for row in plain])
            tokens.update(zip(plain, chosen, strict=True))
        return [tokens[row] for row in range(len(sequences))]

    def _choose_shaped(self, logits: Tensor, sequences: list[Sequence]) -> list[int]:
        """Choose from `logits`, which may be changed."""
        add_bias(logits, sequences)
        rows = [r for r, one in enumerate(sequences) if is_penalised(one.request.sampling)]
        penalised = [sequences[row] for row in rows]
        if penalised:
            self._penalties.apply(logits, rows, penalised)
        tokens = self._choose(logits, sequences)
        # A request with bad logits ends here; what is noted of it does not matter.
        if penalised:
            made = torch.tensor([max(tokens[row], 0) for row in rows], device=self._device)
            self._penalties.add(penalised, made)
        return tokens


def _copied(logits: Tensor, rows: list[int]) -> Tensor:
    """Return `rows` of `logits` as float32 that nobody else holds."""
    if len(rows) < len(logits):
        return logits[rows].float()
    return logits.to(torch.float32, copy=True)


def _is_shaped(sequence: Sequence) -> bool:
    return is_penalised(sequence.request.sampling) or is_biased(sequence)


def _rank(logits: Tensor, sequences: Rows[Sequence], tokens: list[int]) -> None:
    """Give each sequence that asks for logprobs its token's rank among the others."""
    rows = [row for row, one in enumerate(sequences) if one.logprobs is not None]
    rows = [row for row in rows if tokens[row] != BAD_LOGITS]
    if rows:
        asked = logits if len(rows) == len(logits) else logits[rows]
        ranked = rank(asked, [tokens[row] for row in rows])
        for row, one in zip(rows, ranked, strict=True):
            sequences[row].ranked = one
