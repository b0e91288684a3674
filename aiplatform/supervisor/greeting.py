"""What the operator sees on the terminal: what is being waited for, then the banner, once."""

import time
from typing import Final

from aiplatform.supervisor.banner import banner
from aiplatform.supervisor.readiness import announced, in_words, ready

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
        replicas = announced()
        # The web is asked only when it may well say yes: every question is a line in its log.
        self._done = any(one.state == "ready" for one in replicas) and ready()
        if self._done:
            print(banner(seconds=time.monotonic() - self._began), flush=True)  # noqa: T201
        else:
            self._report([in_words(one) for one in replicas if one.state != "ready"])

    def _report(self, lines: list[str]) -> None:
        for line in lines:
            if line not in self._shown:
                self._shown.add(line)
                print(f"waiting for {line}", flush=True)  # noqa: T201  # the terminal is its reader
