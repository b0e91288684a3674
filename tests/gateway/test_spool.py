"""What the database could not take waits on disk, whole, and is written once it is back."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from django.db import OperationalError
from pytest_django import Settings

from inference.gateway.entry import Entry
from inference.gateway.spool import spool_append, spool_is_empty, spool_path, spool_replay
from tests.gateway.entries import entry


@pytest.fixture(autouse=True)
def spool(settings: Settings, tmp_path: Path) -> None:
    settings.SPOOL_DIR = tmp_path


def replayed() -> list[Entry]:
    written: list[Entry] = []
    spool_replay(written.extend)
    return written


def test_entries_come_back_as_they_were() -> None:
    kept = [entry(asked=[{"role": "user", "content": "größer\n你好"}], answered="a\u2028b\n\n")]
    spool_append(kept)
    assert replayed() == kept


def test_they_come_back_once_and_in_order() -> None:
    first, second, third = entry(), entry(), entry()
    spool_append([first, second])
    spool_append([third])
    assert [one.id for one in replayed()] == [first.id, second.id, third.id]
    assert spool_is_empty()
    assert replayed() == []


def test_nothing_is_lost_while_the_database_stays_away() -> None:
    def away(entries: Sequence[Entry]) -> None:
        raise OperationalError

    spool_append([entry()])
    with pytest.raises(OperationalError):
        spool_replay(away)
    assert not spool_is_empty()
    assert len(replayed()) == 1


def test_many_are_written_in_bounded_portions() -> None:
    sizes: list[int] = []
    spool_append([entry() for _ in range(1_201)])
    assert spool_replay(lambda entries: sizes.append(len(entries))) == 1_201
    assert max(sizes) == 500


def test_a_line_cut_in_half_costs_only_itself() -> None:
    whole, cut = entry(), entry()
    spool_append([whole, cut])
    spool_path().write_bytes(spool_path().read_bytes()[:-40])
    assert [one.id for one in replayed()] == [whole.id]


def test_what_follows_a_line_cut_in_half_is_not_lost_with_it() -> None:
    cut, after = entry(), entry()
    spool_append([cut])
    spool_path().write_bytes(spool_path().read_bytes()[:-40])
    spool_append([after])
    assert [one.id for one in replayed()] == [after.id]


def test_text_that_was_not_to_be_stored_is_not_spooled_either() -> None:
    spool_append([entry(asked=None, answered="canary")])
    assert b"canary" not in spool_path().read_bytes()


def test_only_its_owner_can_read_it() -> None:
    spool_append([entry(asked="secret")])
    assert spool_path().stat().st_mode & 0o077 == 0
