"""Tier A with eyes: prompts are written as embeddings, those of pictures among those of tokens."""

from typing import Any

import torch
from torch import Tensor

from inference.engine.decoder import Decoder
from inference.engine.images.facts import ImageError
from inference.engine.submission import Refusal
from inference.engine.vision.pictures import Pictures, rows_of
from inference.engine.vision.sight import Sight


class SeeingDecoder(Decoder):
    """A causal model and the eyes that belong to it."""

    def __init__(self, model: Any, sight: Sight, *, slots: int, context: int) -> None:
        super().__init__(model, slots=slots, context=context)
        self._sight = sight
        self._embedding = model.get_input_embeddings()
        self._pictures = Pictures({})
        self.vision = sight.files

    def look(self, pictures: Pictures, tokens: list[int]) -> Refusal | None:
        self._pictures = pictures
        for digest in pictures.unseen(tokens):
            try:
                seen = self._sight.look(pictures.contents[digest])
            except ImageError as error:
                return Refusal(error.code, error.detail)
            pictures.note(digest, seen)
        return None

    def _read(self, tokens: list[int]) -> dict[str, Tensor]:
        parts = rows_of(tokens)
        if not parts:
            return super()._read(tokens)
        ids = torch.tensor([max(token, 0) for token in tokens], device=self.device)
        embedded = self._embedding(ids)
        seen = [self._pictures.seen[digest][place] for _, digest, place in parts]
        embedded[[at for at, _, _ in parts]] = torch.stack(seen).to(embedded.dtype)
        return {"inputs_embeds": embedded[None]}
