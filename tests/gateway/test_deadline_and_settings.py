"""What a platform's own settings change: the deadline of a request, and whether bodies are kept."""

import time
from collections.abc import Iterator

import pytest

from tests.api.doors import CHAT, DOORS, GenerationDoor, refusal
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb, until
from tests.sse import events


@pytest.fixture(scope="module")
def strict(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(REQUEST_TIMEOUT_S="1", STORE_BODIES="false") as web:
        yield web


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_that_passes_its_deadline_is_ended(strict: LiveWeb, stream: bool) -> None:
    script = Script(tokens=10_000, interval_s=0.05)
    async with strict.runner(script) as runner, strict.async_client() as client:
        began = time.monotonic()
        body = CHAT.asking(model=runner.model, stream=stream)
        answer = await client.post(CHAT.address, json=body)
        assert time.monotonic() - began < 3
        if stream:
            assert events(answer.text)[-1].data["error"]["code"] == "deadline_passed"
        else:
            assert (answer.status_code, refusal(answer).code) == (504, "deadline_passed")
        await until(lambda: runner.running == 0, "the runner is free", seconds=1)
        row = strict.row(answer.headers["x-request-id"])
        assert (row["status"], row["error_code"]) == ("failed", "deadline_passed")
        assert row["completion_tokens"] == runner.counters.tokens > 0


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_platform_that_keeps_no_bodies_has_none(
    strict: LiveWeb, door: GenerationDoor
) -> None:
    async with strict.runner() as runner, strict.async_client() as client:
        answer = await client.post(door.address, json=door.asking(model=runner.model))
        assert answer.status_code == 200
        assert strict.row(answer.headers["x-request-id"])["completion_tokens"] == 16
        assert strict.body(answer.headers["x-request-id"]) is None
