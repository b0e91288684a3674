"""A request's own random numbers."""

import torch

BLOCK = 64  # numbers drawn at once: one call into torch each 64 tokens


class UniformStream:
    """Uniform numbers in [0, 1): the same for the same seed, whoever else is in the batch."""

    def __init__(self, seed: int | None) -> None:
        """Seed from the operating system when `seed` is None."""
        self._generator = torch.Generator()
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)
        self._block: list[float] = []

    def put_back(self, number: float) -> None:
        """Have the newest number drawn again next."""
        self._block.append(number)

    def draw(self) -> float:
        if not self._block:
            numbers = torch.rand(BLOCK, generator=self._generator, dtype=torch.float64)
            self._block = numbers.flip(0).tolist()  # pop() takes them in the order drawn
        return self._block.pop()
