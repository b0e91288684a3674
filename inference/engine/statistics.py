"""What the runner tells of itself. Written by the loop thread, read by the socket's."""

from dataclasses import dataclass

SMOOTHING = 0.1  # weight of the newest in a moving average


@dataclass(slots=True)
class Statistics:
    """Single fields are read without a lock: each is one number that only one thread writes."""

    progress: float = 0.0  # of loading, 0..1
    detail: str = ""  # how verification went
    tier: str = ""
    device: str = "cpu"  # it is computed on
    running: int = 0
    waiting: int = 0
    steps: int = 0
    tokens: int = 0
    prompt_tokens: int = 0  # of requests that ended,
    cached_tokens: int = 0  # and how many of them were not computed for these
    preempted: int = 0
    estimated_wait_s: float = 0.0  # at the queue's end
    mean_step_s: float = 0.0
    mean_prefill_s: float = 0.0  # from a prompt's beginning to its first token
    mean_request_s: float = 0.0

    def stepped(self, seconds: float) -> None:
        """Count a step of the engine."""
        self.steps += 1
        self.mean_step_s = _moved(self.mean_step_s, seconds)

    def finished(self, seconds: float, prefill_s: float) -> None:
        """Count a request that was served in `seconds`, its time in the queue left out."""
        self.mean_request_s = _moved(self.mean_request_s, seconds)
        self.mean_prefill_s = _moved(self.mean_prefill_s, prefill_s)

    def start_in(self, position: int, *, free: int, slots: int, longest: int) -> float:
        """Return in how many seconds the request behind `position` others will be begun.

        Prompts are written one after the other; where more wait than slots are free, slots become
        free at the pace at which requests have been served lately. Before the first has ended, it
        is taken to need `longest` steps.
        """
        turns = max(0, position + 1 - free)
        request_s = self.mean_request_s or longest * self.mean_step_s
        return max(position * self.mean_prefill_s, turns * request_s / slots)


def _moved(mean: float, newest: float) -> float:
    return mean + SMOOTHING * (newest - mean) if mean else newest
