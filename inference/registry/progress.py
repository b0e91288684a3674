"""How far a long step is, for whoever waits at a terminal or reads a log."""

import sys
from collections.abc import Callable
from typing import Final, TextIO

# What is being done, how many bytes of it are done, how many there are.
Progress = Callable[[str, int, int], None]

_WIDTH: Final = 30
_MEGABYTE: Final = 1_000_000


class ConsoleProgress:
    """A bar that redraws itself on a terminal; one line when a step ends anywhere else."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown = ""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that `done` of `total` bytes of `step` are through."""
        size = f"{done / _MEGABYTE:.0f}/{total / _MEGABYTE:.0f} MB"
        if self._stream.isatty():
            filled = _WIDTH * done // max(total, 1)
            self._redraw(f"\r{step} [{'#' * filled:<{_WIDTH}}] {size}", ended=done >= total)
        elif done >= total:
            self._stream.write(f"{step}: {size}\n")

    def _redraw(self, line: str, *, ended: bool) -> None:
        if line != self._shown or ended:
            self._stream.write(line + ("\n" if ended else ""))
            self._stream.flush()
        self._shown = line


def silent(step: str, done: int, total: int) -> None:
    """Show nothing."""
