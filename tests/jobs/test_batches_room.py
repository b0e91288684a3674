"""How many lines may be under way: what is idle, little beside people, nothing before a queue."""

import msgspec
import pytest
from pytest_django import Settings

from inference.jobs.batches.room import lines_allowed
from inference.registry.directory import Replica

IDLE = Replica(id="r", model="tiny", address="unix:/nowhere", state="ready", slots=32)


def replica(**fields: object) -> Replica:
    return msgspec.structs.replace(IDLE, **fields)


@pytest.mark.parametrize(
    ("announced", "mine", "waited_for", "allowed"),
    [
        ([], 0, False, 0),
        ([replica(state="loading")], 0, False, 0),
        ([IDLE], 0, False, 24),  # a quarter is left free
        ([replica(running=10)], 10, False, 24),  # those are its own
        ([replica(running=10)], 0, False, 14),
        ([replica(running=32)], 0, False, 0),
        ([replica(running=40)], 8, False, 0),
        ([replica(waiting=1)], 0, False, 0),
        ([IDLE], 0, True, 1),
        ([replica(slots=256)], 0, True, 12),
        ([replica(slots=1)], 0, False, 1),
        ([IDLE, IDLE, IDLE], 0, False, 50),
        ([replica(slots=0)], 0, False, 38),  # an upstream
    ],
)
def test_lines_take_what_nobody_else_needs(
    settings: Settings, announced: list[Replica], mine: int, waited_for: bool, allowed: int
) -> None:
    settings.BATCH_LINES_AT_ONCE = 50
    assert lines_allowed(announced, mine, waited_for=waited_for) == allowed
