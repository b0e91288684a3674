"""OpenAI's own SDK sends files, begins batches, watches and cancels them, unmodified."""

import asyncio
from collections.abc import Iterator

import openai
import pytest

from tests.canned_runner import Script
from tests.jobs.batch_files import ENDED, answers, begin, chat_line, ended, jsonl, reached, sdk
from tests.live_web import LiveWeb, until


@pytest.fixture
def client(working_web: LiveWeb) -> Iterator[openai.OpenAI]:
    with sdk(working_web) as client:
        yield client


async def test_a_batch_makes_the_whole_round_trip(
    working_web: LiveWeb, client: openai.OpenAI
) -> None:
    async with working_web.runner(Script(tokens=3)) as runner:
        lines = [chat_line(f"line-{n}", runner.model) for n in range(40)]
        lines[7]["body"]["temperature"] = 9
        lines[8]["body"]["model"] = "no-such-model"
        batch = await asyncio.to_thread(begin, client, jsonl(lines), metadata={"night": "first"})
        assert (batch.status, batch.endpoint) == ("validating", "/v1/chat/completions")
        assert batch.metadata == {"night": "first"}
        done = await asyncio.to_thread(ended, client, batch)
        assert {submit.priority for submit in runner.counters.submits} == {2}
    assert done.status == "completed", done
    assert done.request_counts is not None
    counts = done.request_counts
    assert (counts.total, counts.completed, counts.failed) == (40, 38, 2)
    output, errors = answers(client, done.output_file_id), answers(client, done.error_file_id)
    assert set(errors) == {"line-7", "line-8"}
    assert set(output) == {f"line-{n}" for n in range(40)} - set(errors)
    answer = output["line-0"]["response"]
    assert answer["status_code"] == 200
    assert answer["body"]["choices"][0]["message"]["content"] == "word word word "
    refused = errors["line-7"]["response"]
    assert (refused["status_code"], refused["body"]["error"]["param"]) == (400, "temperature")
    assert errors["line-8"]["response"]["body"]["error"]["code"] == "model_not_found"
    rows = working_web.rows("model_name = ?", runner.model)
    assert [row["status"] for row in rows].count("completed") == 38
    assert {row["door"] for row in rows} == {"batches"}
    assert str(batch.id) in [one.id for one in client.batches.list(limit=1)]
    files = {file.id for file in client.files.list(purpose="batch")}
    assert batch.input_file_id in files
    assert client.files.retrieve(str(done.output_file_id)).purpose == "batch_output"
    assert client.files.delete(batch.input_file_id).deleted


async def test_what_was_done_before_a_cancel_is_delivered_and_charged_and_no_more(
    working_web: LiveWeb, client: openai.OpenAI
) -> None:
    async with working_web.runner(Script(tokens=3, interval_s=0.1), slots=8) as runner:
        lines = jsonl(chat_line(f"line-{n}", runner.model) for n in range(300))
        batch = await asyncio.to_thread(begin, client, lines)
        await until(lambda: runner.counters.finished > 10, "some lines are done", 90)
        stopping = await asyncio.to_thread(client.batches.cancel, batch.id)
        assert stopping.status == "cancelling"
        done = await asyncio.to_thread(ended, client, batch)
        assert runner.counters.cancelled == 0, "what was under way was done to its end"
    assert done.status == "cancelled"
    assert done.error_file_id is None
    assert done.request_counts is not None
    output = answers(client, done.output_file_id)
    assert 10 < len(output) < 300
    assert (done.request_counts.completed, done.request_counts.total) == (len(output), 300)
    charged = [row["charged_tokens"] for row in working_web.rows("model_name = ?", runner.model)]
    delivered = [line["response"]["body"]["usage"]["total_tokens"] for line in output.values()]
    assert sorted(charged) == sorted(delivered)
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


async def test_completions_are_a_batch_too_and_a_file_in_use_stays(
    working_web: LiveWeb, client: openai.OpenAI
) -> None:
    async with working_web.runner(Script(tokens=2, delay_s=1)) as runner:
        line = {"custom_id": "one", "method": "POST", "url": "/v1/completions"}
        body = {"model": runner.model, "prompt": "Once", "max_tokens": 5}
        batch = await asyncio.to_thread(
            begin, client, jsonl([{**line, "body": body}]), "/v1/completions"
        )
        with pytest.raises(openai.ConflictError) as raised:
            await asyncio.to_thread(client.files.delete, batch.input_file_id)
        assert raised.value.code == "file_in_use"
        done = await asyncio.to_thread(reached, client, batch, *ENDED)
    (answer,) = answers(client, done.output_file_id).values()
    assert answer["response"]["body"]["choices"][0]["text"] == "word word "
