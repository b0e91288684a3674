"""Processes that end when their parent ends, however it ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec nothing should be imported or allocated.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int) -> None:
    """Have the kernel kill the calling process when the process `parent` ends (Linux only).

    SIGKILL, because a hung child would ignore less. The kernel watches the *thread* that forked,
    so children are started from main threads only.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call took effect
        os._exit(1)


def bound_to_this_process() -> Callable[[], None]:
    """Return what `subprocess.Popen` should call in a child that must not outlive this process."""
    parent = os.getpid()
    return lambda: die_with_parent(parent)
