"""Group commit: many at once share few transactions, and nobody's row is lost or held up."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from aiplatform.database import in_database
from inference.gateway import settlement as settling
from inference.gateway.entry import Entry
from inference.gateway.history import entries_write
from inference.gateway.models import Request, RequestBody
from inference.gateway.settlement import Settlement
from inference.gateway.spool import spool_is_empty, spool_path
from tests.gateway.entries import entry
from tests.live_web import until
from tests.people import key_of, person, row_of

# Other threads write, so everything is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def spool(settings: Settings, tmp_path: Path) -> None:
    settings.SPOOL_DIR = tmp_path


def written() -> list[str]:
    return [str(one) for one in Request.objects.values_list("id", flat=True)]


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


class Away:
    """The history's table is not there: what a database that is away looks like, but at once."""

    async def __aenter__(self) -> None:
        await in_database(run, "ALTER TABLE gateway_request RENAME TO elsewhere")

    async def __aexit__(self, *raised: object) -> None:
        await in_database(run, "ALTER TABLE elsewhere RENAME TO gateway_request")


@pytest.fixture
async def settlement(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Settlement]:
    monkeypatch.setattr(settling, "REPLAY_EVERY_S", 0.05)
    made = Settlement()
    yield made
    if made._replaying:
        made._replaying.cancel()


async def test_a_hundred_at_once_take_few_transactions(
    settlement: Settlement, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def counted(entries: Sequence[Entry]) -> None:
        sizes.append(len(entries))
        entries_write(entries)

    monkeypatch.setattr(settling, "entries_write", counted)
    await asyncio.gather(*(settlement.settle(entry()) for _ in range(100)))
    assert sum(sizes) == 100
    assert len(sizes) <= 3
    assert len(await in_database(written)) == 100


async def test_a_lone_entry_waits_for_nobody(settlement: Settlement) -> None:
    one = entry()
    await settlement.settle(one)
    assert await in_database(written) == [str(one.id)]


async def test_an_entry_settled_twice_is_one_row(settlement: Settlement) -> None:
    one = entry(asked="hi", answered="ho")
    await asyncio.gather(settlement.settle(one), settlement.settle(one))
    assert await in_database(written) == [str(one.id)]


async def test_with_the_database_away_entries_are_spooled_and_replayed(
    settlement: Settlement,
) -> None:
    kept = [entry(asked="hi", answered="ho") for _ in range(10)]
    async with Away():
        await asyncio.gather(*(settlement.settle(one) for one in kept))
        assert not spool_is_empty()
    await until(spool_is_empty, "the spool is empty")
    assert set(await in_database(written)) == {str(one.id) for one in kept}
    assert await in_database(RequestBody.objects.count) == 10


async def test_an_entry_of_a_user_deleted_meanwhile_keeps_its_names(
    settlement: Settlement,
) -> None:
    def make() -> dict[str, Any]:
        user = person("leaver")
        key = row_of(key_of(user))
        return {"user_id": user.id, "username": "leaver", "api_key_id": key.id}

    asked_by = await in_database(make)
    gone, other = entry(**asked_by, asked="hi"), entry()
    await in_database(lambda: User.objects.all().delete())
    await asyncio.gather(settlement.settle(gone), settlement.settle(other))
    row = await in_database(Request.objects.get, id=gone.id)
    assert (row.user_id, row.api_key_id, row.username) == (None, None, "leaver")
    assert len(await in_database(written)) == 2
    assert spool_is_empty()


async def test_an_entry_that_cannot_be_written_anywhere_is_an_error_and_no_hang(
    settlement: Settlement,
) -> None:
    spool_path().mkdir()  # a disk that takes nothing
    async with Away():
        async with asyncio.timeout(5):
            with pytest.raises(OSError, match="directory"):
                await settlement.settle(entry())
    spool_path().rmdir()
    await settlement.settle(entry())
    assert len(await in_database(written)) == 1


async def test_giving_up_waiting_does_not_take_the_row_from_others(
    settlement: Settlement,
) -> None:
    one, other = entry(), entry()
    impatient = asyncio.create_task(settlement.settle(one))
    patient = asyncio.create_task(settlement.settle(other))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    assert set(await in_database(written)) == {str(one.id), str(other.id)}
