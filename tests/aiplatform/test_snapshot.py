"""A snapshot: never staler than promised, and nobody waits for what is asked for all the time."""

import asyncio

import pytest

from aiplatform.snapshot import Snapshot
from tests.live_web import until

FRESH_S = 0.4


class Source:
    """Counts how often it is read; takes as long as it is told, and fails when it is told."""

    def __init__(self) -> None:
        self.readings = 0
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False

    async def read(self) -> int:
        await self.open.wait()
        if self.broken:
            raise OSError("away")
        self.readings += 1
        return self.readings


@pytest.fixture
async def source() -> Source:
    return Source()


@pytest.fixture
async def snapshot(source: Source) -> Snapshot[int]:
    return Snapshot(source.read, FRESH_S)


async def ask_for(seconds: float, snapshot: Snapshot[int]) -> None:
    """Ask all the time. Raises TimeoutError where the snapshot waits for a reading."""
    for _ in range(20):
        async with asyncio.timeout(5):
            assert await snapshot.get() == 1
        await asyncio.sleep(seconds / 20)


async def test_many_at_once_share_one_reading(source: Source, snapshot: Snapshot[int]) -> None:
    assert await asyncio.gather(*(snapshot.get() for _ in range(10))) == [1] * 10


async def test_what_is_asked_for_all_the_time_is_read_before_it_is_old(
    source: Source, snapshot: Snapshot[int]
) -> None:
    await snapshot.get()
    source.open.clear()  # whoever had to wait for a reading would wait for good
    await ask_for(FRESH_S * 0.85, snapshot)
    source.open.set()
    await until(lambda: source.readings == 2, "it is read ahead")


async def test_what_nobody_asks_for_is_not_read(source: Source, snapshot: Snapshot[int]) -> None:
    await snapshot.get()
    await asyncio.sleep(FRESH_S * 2)
    assert source.readings == 1
    assert await snapshot.get() == 2


async def test_a_reading_that_fails_is_told_to_who_finds_the_value_old(
    source: Source, snapshot: Snapshot[int]
) -> None:
    await snapshot.get()
    source.broken = True
    with pytest.raises(OSError, match="away"):
        await ask_for(FRESH_S * 4, snapshot)
    source.broken = False
    assert await snapshot.get() == 2
