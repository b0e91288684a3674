"""Whether a runner makes progress: tokens moved, or nothing is queued."""

from typing import Final

from inference.engine.wire import Status

STUCK_AFTER_S: Final = 10.0
KILL_AFTER_S: Final = 30.0
# Importing torch on a busy machine can keep even the socket's thread waiting.
KILL_LOADING_AFTER_S: Final = 180.0


class StallWatch:
    """Fed with every status; silence counts as standing still. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._moved_at = now
        self._steps = -1
        self._loading = True

    def note(self, status: Status, now: float) -> None:
        """Take in what the runner said of itself at `now`."""
        idle = status.running + status.waiting == 0
        if idle or status.steps != self._steps:
            self._moved_at = now
        self._steps = status.steps
        self._loading = status.state == "loading"

    def stuck(self, now: float) -> bool:
        """Return whether it stands still although there is work, or does not answer."""
        return not self._loading and now - self._moved_at >= STUCK_AFTER_S

    def hopeless(self, now: float) -> bool:
        """Return whether only starting it again can help."""
        bound = KILL_LOADING_AFTER_S if self._loading else KILL_AFTER_S
        return now - self._moved_at >= bound
