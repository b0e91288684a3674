"""What is computed in one forward: a token of each running row, and chunks of prompts.

A forward reads all weights once, however many rows it has: what a step decodes and what it writes
of prompts go together where the decoder can do that and nothing has to be copied in between.
"""

from inference.engine.decoder import Part
from inference.engine.scheduler import Chunk
from inference.engine.sequence import Sequence
from inference.engine.slots import Move


class Work:
    """Gathers chunks as long as they fit together."""

    def __init__(self, running: list[Sequence], *, mixes: bool) -> None:
        """With `mixes` there may be more than the running rows or one chunk."""
        self.running = running
        self.chunks: list[Chunk] = []
        self._mixes = mixes

    def __bool__(self) -> bool:
        return bool(self.running or self.chunks)

    def takes(self, chunk: Chunk) -> bool:
        """Return whether a chunk fits, its moves being made before all of this."""
        return not self or (self._mixes and all(map(self._allows, chunk.moves)))

    @property
    def parts(self) -> list[Part]:
        """What is written of prompts."""
        return [Part(one.tokens, one.sequence.slot, one.start) for one in self.chunks]

    @property
    def ends(self) -> dict[int, Sequence]:
        """The rows of logits that somebody's next token is chosen from, in order."""
        chunks = enumerate(self.chunks, len(self.running))
        completed = {row: chunk.sequence for row, chunk in chunks if chunk.completes}
        return dict(enumerate(self.running)) | completed

    def _allows(self, move: Move) -> bool:
        """Return whether a move copies what is there before, to where nothing is written."""
        written = {one.slot: one.cached for one in self.running}
        written |= {one.sequence.slot: one.start for one in self.chunks}
        return move.target not in written and move.length <= written.get(move.source, move.length)
