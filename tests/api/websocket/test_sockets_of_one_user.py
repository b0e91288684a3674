"""One user has so many websockets and no more, over all web processes; dead ones do not count."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator

import pytest

from tests.api.websocket.clients import Client, opened, socket
from tests.live_web import LiveWeb, StartWeb, until

MOST = 3
LEASE_S = 2

Webs = tuple[LiveWeb, LiveWeb]


@pytest.fixture(scope="module")
def webs(start_web: StartWeb) -> Iterator[Webs]:
    with (
        start_web(WEBSOCKET_MAX_PER_USER=str(MOST), LEASE_TTL_S=str(LEASE_S)) as web,
        web.beside().running() as other,
    ):
        yield web, other


async def refused(web: LiveWeb, key: str) -> bool:
    """Return whether one more socket of that key's is refused, as it should be."""
    async with opened(web) as client:
        await client.say("authenticate", token=web.keys[key])
        message = await client.next()
        if message["type"] == "authenticated":
            return False
        assert (message["code"], message["status"]) == ("too_many_sockets", 429)
        assert await client.closed() == (4429, "too_many_sockets")
        return True


async def free(web: LiveWeb, key: str) -> None:
    deadline = time.monotonic() + 60
    while await refused(web, key):
        assert time.monotonic() < deadline, "there is room again"


async def test_one_more_is_refused_by_any_process_until_one_is_closed(webs: Webs) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for number in range(MOST):
            await stack.enter_async_context(socket(webs[number % 2], "eve"))
        await asyncio.sleep(LEASE_S * 1.5)  # they are held for as long as they are open
        assert await refused(webs[0], "eve")
        assert await refused(webs[1], "eve all"), "a user's keys count together"
        assert not await refused(webs[1], "root"), "others have their own"
    await free(webs[0], "eve")


async def test_of_many_at_once_exactly_so_many_are_let_in(webs: Webs) -> None:
    async def introduced(stack: contextlib.AsyncExitStack, number: int) -> bool:
        client: Client = await stack.enter_async_context(opened(webs[number % 2]))
        await client.say("authenticate", token=webs[0].keys["lister"])
        return bool((await client.next())["type"] == "authenticated")

    async with contextlib.AsyncExitStack() as stack:
        told = await asyncio.gather(*(introduced(stack, number) for number in range(12)))
        assert sum(told) == MOST


async def test_those_of_a_process_that_died_are_free_after_its_lease(webs: Webs) -> None:
    doomed = webs[0].beside()
    with doomed.running():
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(MOST):
                await stack.enter_async_context(socket(doomed, "reader"))
            assert await refused(webs[0], "writer"), "another key of the same user"
            process = doomed.process
            assert process is not None
            process.send_signal(signal.SIGKILL)
            await until(lambda: process.poll() is not None, "it is dead")
            await free(webs[0], "writer")


async def test_a_socket_that_authenticates_again_takes_no_second_place(webs: Webs) -> None:
    async with socket(webs[0], "eve") as client:
        for _ in range(MOST + 1):
            await client.say("authenticate", token=webs[0].keys["eve"])
            assert (await client.next())["type"] == "authenticated"
