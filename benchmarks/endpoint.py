"""Where a gateway under test listens and how to ask it."""

from dataclasses import dataclass

from benchmarks.load import Load


@dataclass(frozen=True)
class Endpoint:
    """One server of chat completions on this machine."""

    name: str
    port: int
    key: str
    model: str

    def load(self, concurrency: int, seconds: float) -> Load:
        """Return what to ask it."""
        return Load(
            port=self.port,
            key=self.key,
            model=self.model,
            concurrency=concurrency,
            seconds=seconds,
        )
