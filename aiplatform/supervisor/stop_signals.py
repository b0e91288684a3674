"""The signals that end the supervisor, turned into something a loop can wait for."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Final, Self

_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Counts requests to stop. SIGCHLD wakes a waiting loop as well, so no death waits for a tick.

    The handlers do nothing: the interpreter writes each signal's number into a pipe, and all work
    happens in the loop that reads it.
    """

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._previous_fd = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (*_STOP, signal.SIGCHLD):
            signal.signal(number, _ignore)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._previous_fd)
        # Nothing is left to stop: one more Ctrl-C must not make a failure of an orderly end.
        for number in _STOP:
            signal.signal(number, signal.SIG_IGN)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float) -> int:
        """Wait for a signal, at most `seconds`; return how many stops were asked for so far."""
        readable, _, _ = select.select([self._read], [], [], seconds)
        if readable:
            self.count += sum(number in _STOP for number in os.read(self._read, 4096))
        return self.count


def _ignore(number: int, frame: FrameType | None) -> None:
    """Let the interpreter note the signal in the pipe; see StopSignals."""
