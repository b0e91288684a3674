"""What the runner tells of itself. Written by the loop thread, read by the socket's."""

from dataclasses import dataclass

SMOOTHING = 0.1  # weight of the newest request in the moving average


@dataclass(slots=True)
class Statistics:
    """Single fields are read without a lock: each is one number that only one thread writes."""

    progress: float = 0.0  # of loading, 0..1
    detail: str = ""  # how verification went
    tier: str = ""
    running: int = 0
    waiting: int = 0
    steps: int = 0
    tokens: int = 0
    mean_request_s: float = 0.0

    def finished(self, seconds: float) -> None:
        """Count a request that was served in `seconds`, its time in the queue left out."""
        if self.mean_request_s == 0.0:
            self.mean_request_s = seconds
        self.mean_request_s += SMOOTHING * (seconds - self.mean_request_s)
