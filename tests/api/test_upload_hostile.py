"""Hostile files at the door: nothing but 4xx, memory bounded, nothing left, service unharmed."""

import asyncio
from pathlib import Path
from typing import Final

from tests.hostile_images import hostile_files
from tests.photographs import photograph
from tests.platform_process import PlatformProcess

ADDRESS: Final = "/api/v1/upload/image"
AT_ONCE: Final = 4
# Of the runner and of every process of the web, beyond what it held before.
MOST_GROWTH: Final = 400 * 1024 * 1024


async def test_three_hundred_hostile_files_get_only_4xx_and_leave_nothing(
    seeing: PlatformProcess,
) -> None:
    await _upload(seeing, {"china": photograph("china.jpg")})
    files, held = _files(seeing), _resident(seeing)
    told = await _upload(seeing, hostile_files())
    assert len(told) >= 300
    assert {name: status for name, status in told.items() if not 400 <= status < 500} == {}
    assert _files(seeing) == files
    grown = {pid: size - held.get(pid, size) for pid, size in _resident(seeing).items()}
    assert max(grown.values()) < MOST_GROWTH
    assert set(held) <= set(_resident(seeing)), "a process ended"
    assert await _upload(seeing, {"china": photograph("china.jpg")}) == {"china": 200}


async def _upload(platform: PlatformProcess, files: dict[str, bytes]) -> dict[str, int]:
    gate = asyncio.Semaphore(AT_ONCE)
    async with platform.async_client() as client:

        async def one(content: bytes) -> int:
            async with gate:
                sent = await client.post(ADDRESS, files={"file": ("cat.png", content, "image/png")})
                return sent.status_code

        statuses = await asyncio.gather(*map(one, files.values()))
    return dict(zip(files, statuses, strict=True))


def _files(platform: PlatformProcess) -> set[str]:
    """Return what lies in the installation, the store's and the database's own files left out."""
    found = platform.var_dir.rglob("*")
    own = ("db.sqlite3", "appendonly", "temp-", "valkey", "dump.rdb")
    return {str(one) for one in found if not any(name in str(one) for name in own)}


def _resident(platform: PlatformProcess) -> dict[int, int]:
    """Return the bytes that each process of the platform holds."""
    return {pid: _bytes_of(pid) for pid in platform.processes()}


def _bytes_of(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0
