"""What is wrong with a batch is said at once, or, of its file, line by line before it begins."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.jobs.batch_files import answers, begin, chat_line, ended, jsonl, sdk
from tests.jobs.working_web import LEASE_TTL_S, Worker
from tests.live_web import LiveWeb, StartWeb

GOOD = chat_line("good", "tiny")


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with (
        start_web(
            LEASE_TTL_S=str(LEASE_TTL_S), MAX_BATCH_LINES="5", MAX_BATCHES_PER_USER="3"
        ) as web,
        Worker(web).running(),
    ):
        yield web


@pytest.fixture
def client(web: LiveWeb) -> Iterator[openai.OpenAI]:
    with sdk(web) as client:
        yield client


def changed(**fields: Any) -> dict[str, Any]:
    return {**chat_line("changed", "tiny"), **fields}


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([GOOD, '{"custom_id": "broken'], "invalid_json_line", 2),
        ([GOOD, f'{{"body": {{"a": {"[" * 9000}'], "invalid_json_line", 2),
        ([GOOD, "", GOOD], "duplicate_custom_id", 3),
        ([changed(url="/v1/completions")], "invalid_url", 1),
        ([changed(method="GET")], "invalid_method", 1),
        ([changed(body={"stream": True})], "stream_not_supported", 1),
        ([changed(body=[])], "invalid_request", 1),
        ([changed(custom_id="")], "invalid_request", 1),
        (["", " "], "empty_file", None),
        ([chat_line(str(n), "tiny") for n in range(6)], "too_many_tasks", None),
    ],
)
def test_a_file_that_is_wrong_fails_its_batch(
    client: openai.OpenAI, lines: list[Any], code: str, number: int | None
) -> None:
    failed = ended(client, begin(client, jsonl(lines)))
    assert failed.status == "failed"
    assert failed.failed_at
    assert failed.errors is not None
    assert failed.errors.data is not None
    (error,) = failed.errors.data
    assert (error.code, error.line) == (code, number)
    assert failed.request_counts is not None
    assert failed.request_counts.total == 0
    assert failed.output_file_id is None
    client.files.delete(failed.input_file_id)


def test_another_users_file_is_no_file(web: LiveWeb, client: openai.OpenAI) -> None:
    sent = client.files.create(file=("a.jsonl", jsonl([GOOD])), purpose="batch")
    other = client.files.create(file=("a.jsonl", jsonl([GOOD])), purpose="user_data")
    with sdk(web, "eve all") as eve:
        for file_id in (sent.id, f"file-{'0' * 32}", "nonsense"):
            with pytest.raises(openai.NotFoundError):
                eve.batches.create(
                    input_file_id=file_id,
                    endpoint="/v1/chat/completions",
                    completion_window="24h",
                )
    with pytest.raises(openai.BadRequestError) as raised:
        client.batches.create(
            input_file_id=other.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
    assert raised.value.param == "input_file_id"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"endpoint": "/v1/images/edits"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_field_is_named(web: LiveWeb, fields: dict[str, Any], param: str) -> None:
    body = {
        "input_file_id": f"file-{'0' * 32}",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        **fields,
    }
    answer = web.client().post("/v1/batches", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param


def test_a_key_that_may_not_generate_begins_none(web: LiveWeb) -> None:
    with sdk(web, "no scopes") as nobody, pytest.raises(openai.PermissionDeniedError):
        nobody.batches.list()


def test_one_too_many_is_refused_and_a_late_one_expires(web: LiveWeb) -> None:
    with sdk(web, "lister") as client:
        # Nothing runs these models, so that they wait.
        batches = [begin(client, jsonl([chat_line("one", web.stage())])) for _ in range(3)]
        with pytest.raises(openai.RateLimitError) as raised:
            begin(client, jsonl([GOOD]))
        assert raised.value.code == "too_many_batches"
        web.sql("UPDATE jobs_batch SET expires_at = '2020-01-01' WHERE ended_at IS NULL")
        for batch in batches:
            late = ended(client, batch)
            assert late.status == "expired"
            assert late.expired_at
            if late.error_file_id:  # it had begun
                (line,) = answers(client, late.error_file_id).values()
                assert line["error"]["code"] == "batch_expired"
