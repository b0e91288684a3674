"""The writer: one call after the other, and what comes of each is told on its own loop."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from aiplatform.database_writer import in_writer

pytestmark = pytest.mark.django_db(transaction=True)  # it looks after the connection


async def outcome_of(call: Callable[[], object]) -> object:
    told: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    in_writer(call, told.set_result)
    return await told


async def test_calls_run_in_their_order_in_one_thread() -> None:
    ran: list[int] = []
    names = await asyncio.gather(*(outcome_of(lambda n=n: note(ran, n)) for n in range(50)))  # type: ignore[misc]
    assert ran == list(range(50))
    assert set(names) == {"database-writer"}


async def test_an_exception_is_an_outcome_and_the_writer_goes_on() -> None:
    assert isinstance(await outcome_of(lambda: 1 / 0), ZeroDivisionError)
    assert await outcome_of(lambda: "next") == "next"


def test_a_loop_that_has_gone_holds_up_nobody() -> None:
    release = threading.Event()

    async def leave() -> None:
        in_writer(release.wait, lambda outcome: None)

    asyncio.run(leave())
    release.set()
    assert asyncio.run(outcome_of(lambda: "next")) == "next"


def note(ran: list[int], number: int) -> str:
    ran.append(number)
    return threading.current_thread().name
