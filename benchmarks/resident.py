"""How much memory a process holds."""

import resource
from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Return the resident memory of the process, shared pages included."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()
