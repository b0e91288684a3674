"""How much memory this process may still take: the machine's, and its control groups'."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PROC: Final = Path("/proc")
CGROUPS: Final = Path("/sys/fs/cgroup")


class _Files(NamedTuple):
    """How a version of control groups names its figures, and where its tree begins."""

    root: str
    limit: str
    usage: str
    reclaimable: str  # entry of memory.stat: file pages that the kernel gives up when asked


_V1: Final = _Files(
    "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
)
_V2: Final = _Files("", "memory.max", "memory.current", "inactive_file")


def available_bytes(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Return what may still be taken before something is killed; None where nothing tells.

    The least of the machine's MemAvailable (proc(5)) and what is left under the limit of each
    control group this process is in (Linux, Documentation/admin-guide/cgroup-v2.rst and
    cgroup-v1/memory.rst).
    """
    found = [*_machine(proc), *_groups(proc, cgroups)]
    return max(0, min(found)) if found else None


def _machine(proc: Path) -> Iterator[int]:
    line = re.search(r"^MemAvailable:\s+(\d+) kB$", _read(proc / "meminfo"), re.MULTILINE)
    if line:
        yield int(line[1]) * 1024


def _groups(proc: Path, cgroups: Path) -> Iterator[int]:
    for line in _read(proc / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        files = _V1 if "memory" in controllers.split(",") else None if controllers else _V2
        if files is None:
            continue
        root = cgroups / files.root
        # Inside a container the path may name the host's tree; the root is then the group itself.
        for group in [*_upwards(root, path), root]:
            yield from _headroom(group, files)


def _upwards(root: Path, path: str) -> Iterator[Path]:
    group = root / path.strip("/")
    while group != root:
        yield group
        group = group.parent


def _headroom(group: Path, files: _Files) -> Iterator[int]:
    limit, usage = _read(group / files.limit).strip(), _read(group / files.usage).strip()
    if not limit.isdigit() or not usage.isdigit():  # "max", or no such group
        return
    stat = re.search(rf"^{files.reclaimable} (\d+)$", _read(group / "memory.stat"), re.MULTILINE)
    yield int(limit) - int(usage) + (int(stat[1]) if stat else 0)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
