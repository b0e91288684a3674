"""What the operator sees on the terminal: what is being waited for, then the banner, once."""

import time
from typing import Final

from aiplatform.supervisor.banner import banner
from aiplatform.supervisor.readiness import ready, waiting_for

INTERVAL_S: Final = 0.5


class Greeting:
    """Looks twice a second until the platform is ready, and never again after that."""

    def __init__(self) -> None:
        self._done = False
        self._next = 0.0
        self._shown: set[str] = set()
        self._began = time.monotonic()

    def advance(self) -> None:
        """Print what is new since the last call."""
        if self._done or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + INTERVAL_S
        self._done = ready()
        if self._done:
            print(banner(seconds=time.monotonic() - self._began), flush=True)  # noqa: T201
        else:
            self._report()

    def _report(self) -> None:
        for line in waiting_for():
            if line not in self._shown:
                self._shown.add(line)
                print(f"waiting for {line}", flush=True)  # noqa: T201  # the terminal is its reader
