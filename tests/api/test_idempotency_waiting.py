"""Waiting for the first answer has a bound, and ends when its client leaves."""

import asyncio

import httpx
import pytest

from tests.api.doors import refusal
from tests.api.keyed import fresh_key, post
from tests.canned_runner import Script
from tests.live_web import StartWeb, until


async def test_whoever_waited_for_the_request_timeout_is_told_to_ask_again(
    start_web: StartWeb,
) -> None:
    with start_web(REQUEST_TIMEOUT_S="2") as web:
        async with web.runner(Script(delay_s=60)) as runner, web.async_client() as client:
            key = fresh_key()
            first = asyncio.create_task(post(client, key, model=runner.model))
            await until(lambda: runner.counters.accepted == 1, "the first is in flight")
            # As if another process, of longer patience, held it.
            web.sql("UPDATE aiplatform_idempotencyrecord SET expires_at = '2999-01-01 00:00:00'")
            web.sql("UPDATE aiplatform_idempotencyrecord SET holder = ?", "0" * 32)
            refused = refusal(await post(client, key, model=runner.model))
            assert (refused.status, refused.code) == (409, "idempotency_key_in_flight")
            assert "2 s" in refused.detail
            assert refusal(await first).code == "deadline_passed"
            assert runner.counters.accepted == 1


async def test_whoever_leaves_while_waiting_disturbs_nobody(start_web: StartWeb) -> None:
    with start_web() as web:
        slow = Script(tokens=20, interval_s=0.1)
        async with web.runner(slow) as runner, web.async_client() as client:
            key = fresh_key()
            asking = [asyncio.create_task(post(client, key, model=runner.model)) for _ in range(4)]
            await until(lambda: runner.counters.accepted == 1, "the first is in flight")
            async with web.async_client(timeout=0.3) as impatient:
                with pytest.raises(httpx.ReadTimeout):
                    await post(impatient, key, model=runner.model)
            answers = await asyncio.gather(*asking)
            assert runner.counters.accepted == 1
            assert len({answer.content for answer in answers}) == 1
