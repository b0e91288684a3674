"""What the runner asks of its operating system: to die with its parent, its cores, its memory."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
BEHIND_CHAT = 7  # niceness: one such thread gets a fifth of what one of chat's gets of a core
_AUTOGROUP = Path("/proc/self/autogroup")
_TRIES = 20
_PAUSE_S = 0.1


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that ends (Linux only).

    SIGKILL, since a runner holds nothing that must be saved and a hung one would ignore less.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # the parent ended before the call took effect
        os._exit(1)


def go_behind_chat() -> None:
    """Have runners of chat go first where cores are short: who chats reads along.

    A chat's step is many short operations, at each of which its threads wait for one another: with
    an equal share of each core they would all be there in the product of their shares alone.
    """
    os.nice(BEHIND_CHAT)
    # Linux weighs sessions against one another, and niceness only within one: sched(7), autogroup.
    if os.getsid(0) == os.getpid() and _AUTOGROUP.exists():
        _write_when_taken(_AUTOGROUP, str(BEHIND_CHAT))


def _write_when_taken(file: Path, text: str) -> None:
    """Write; what cannot be written is left, and what the kernel takes ten of a second is tried."""
    for _ in range(_TRIES):
        try:
            file.write_text(text)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        except OSError:  # a container may show it read-only: there niceness counts by itself
            return
        else:
            return


def core_count() -> int:
    """Return how many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on every platform
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def resident_bytes() -> int:
    """Return the memory this process holds, or 0 where /proc does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
