"""Streams that drop at random and come back by any web process are those of who never dropped."""

import asyncio
import random
from collections.abc import Iterator

import httpx
import pytest

from tests.api.doors import DOORS
from tests.api.resumable.event_clients import Listening
from tests.api.websocket.clients import Message, socket, text_of
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb

STREAMS = 100
DROPS = 3
SCRIPT = Script(tokens=50, interval_s=0.05, numbered=True)
TEXT = "".join(f"word{number} " for number in range(50))

Webs = tuple[LiveWeb, LiveWeb]


@pytest.fixture(scope="module")
def webs(start_web: StartWeb) -> Iterator[Webs]:
    # On a crowded machine a hundred clients at once take long to come back.
    with (
        start_web(RESUME_WINDOW_S="300", WEBSOCKET_MAX_PER_USER="1000") as web,
        web.beside().running() as other,
    ):
        yield web, other


async def dropping_socket(webs: Webs, model: str, seed: int) -> str:
    """Return the text of one generation whose client drops three times, anywhere."""
    chance = random.Random(seed)
    messages: list[Message] = []
    async with socket(chance.choice(webs)) as client:
        await client.ask("a", model, resumable=True)
        request_id = (await client.of("a", "accepted"))["request_id"]
        messages += [await client.of("a") for _ in range(chance.randrange(5))]
        client.vanish()
    for drop in range(DROPS):
        async with socket(chance.choice(webs)) as client:
            seq = messages[-1]["seq"] if messages else 0
            await client.say("resume", id="again", request_id=request_id, seq=seq)
            assert (await client.of("again"))["request_id"] == request_id
            if drop == DROPS - 1:
                messages += await client.whole("again")
                break
            messages += [await client.of("again") for _ in range(chance.randrange(1, 15))]
            client.vanish()
    assert messages[0]["seq"] == 1
    return text_of(messages)


async def dropping_events(clients: list[httpx.AsyncClient], model: str, seed: int) -> Listening:
    """The same for server-sent events, at each of the doors."""
    chance = random.Random(seed)
    listening = Listening()
    door = DOORS[seed % len(DOORS)]
    bound = {door.max_tokens_field: 100}
    async with listening.begin(chance.choice(clients), door, model=model, **bound) as response:
        await listening.take(response, chance.randrange(1, 5))
    for drop in range(DROPS):
        prefix = chance.choice(("/v1", "/api/v1"))
        async with listening.resume(chance.choice(clients), prefix) as response:
            await listening.take(response, 10_000 if drop == DROPS - 1 else chance.randrange(1, 15))
    return listening


async def test_a_hundred_websockets_that_drop_three_times_lose_and_double_nothing(
    webs: Webs,
) -> None:
    async with webs[0].runner(SCRIPT, slots=200) as runner:
        async with socket(webs[0]) as client:
            await client.ask("a", runner.model)
            assert text_of(await client.whole("a")) == TEXT
        texts = await asyncio.gather(
            *(dropping_socket(webs, runner.model, seed) for seed in range(STREAMS))
        )
        assert runner.counters.cancelled == 0
    assert set(texts) == {TEXT}


async def test_a_hundred_event_streams_that_drop_three_times_are_byte_identical(
    webs: Webs,
) -> None:
    async with (
        webs[0].runner(SCRIPT, slots=200) as runner,
        webs[0].async_client() as here,
        webs[1].async_client() as there,
    ):
        streams = await asyncio.gather(
            *(dropping_events([here, there], runner.model, seed) for seed in range(STREAMS))
        )
        assert runner.counters.cancelled == 0
        for number, stream in enumerate(streams):
            assert stream.is_over
            assert stream.text == TEXT
            whole = Listening(stream.stream_id)
            async with whole.resume((here, there)[number % 2]) as response:
                await whole.take(response)
            assert whole.received == stream.received
