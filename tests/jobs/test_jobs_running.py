"""A job is submitted, run by a worker and answered as its door would have answered."""

import json

from tests.canned_runner import Script
from tests.jobs.working_web import ended, reached, submit, task
from tests.live_web import LiveWeb, until


async def test_a_job_is_answered_as_generate_text_would_be(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=5)) as runner:
        with working_web.client() as client:
            body = {"text": "Hello", "model": runner.model}
            answer = client.post("/api/v1/generate/async", json=body)
            assert answer.status_code == 202
            task_id = answer.json()["task_id"]
            assert answer.json() == {"task_id": task_id, "status": "processing"}
            assert answer.headers["location"] == f"/api/v1/tasks/{task_id}"
            done = await ended(client, task_id)
        assert done["status"] == "completed", done
        assert done["result"]["generated_text"] == "word " * 5
        assert done["result"]["model_used"] == runner.model
        assert done["result"]["usage"] == done["usage"]
        assert done["usage"]["completion_tokens"] == 5
        assert done["error"] is None
        assert done["progress"] is None
        assert runner.counters.accepted == 1
        assert runner.counters.submits[0].priority == 1, "after interactive, before batches"
    row = working_web.row(done["request_id"])
    assert (row["status"], row["door"]) == ("completed", "generate/async")
    assert row["completion_tokens"] == 5
    await until(lambda: working_web.leases() == 0, "settled")


async def test_several_choices_and_their_logprobs_are_answered_too(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=2)) as runner:
        with working_web.client() as client:
            done = await ended(client, submit(client, model=runner.model, n=2, logprobs=True))
    assert [one["generated_text"] for one in done["result"]["choices"]] == ["word word "] * 2
    assert [len(one["logprobs"]) for one in done["result"]["choices"]] == [2, 2]
    assert done["usage"]["completion_tokens"] == 4


async def test_a_running_job_tells_how_far_it_is(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=100, interval_s=0.05)) as runner:
        with working_web.client() as client:
            task_id = submit(client, model=runner.model)
            await until(lambda: task(client, task_id)["progress"]["tokens"] > 3, "tokens")
            found = task(client, task_id)
            assert found["status"] == "processing"
            assert found["progress"]["text"] == "word " * found["progress"]["tokens"]
            assert found["progress"]["queue_position"] is None
            assert found["result"] is None
            client.delete(f"/api/v1/tasks/{task_id}")
            await until(lambda: runner.running == 0, "stopped")


async def test_a_job_waits_for_its_model_and_says_so(working_web: LiveWeb) -> None:
    with working_web.client() as client:
        task_id = submit(client, model="asleep")
        await until(lambda: task(client, task_id)["waiting_for"], "tried")
        waiting = task(client, task_id)
        assert waiting["status"] == "queued"
        assert waiting["waiting_for"]["code"] == "model_not_ready"
        assert waiting["error"] is None
        async with working_web.runner(model="asleep"):
            done = await ended(client, task_id)
    assert done["status"] == "completed"
    assert done["attempts"] >= 2
    rows = working_web.rows("model_name = 'asleep'")
    assert [row["status"] for row in rows] == ["completed"], "what waits leaves no history"


async def test_where_no_bodies_are_kept_the_result_alone_is(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=1)) as runner:
        with working_web.client("no bodies") as client:
            done = await ended(client, submit(client, model=runner.model, text="a secret"))
    assert done["result"]["generated_text"] == "word "
    (row,) = working_web.sql(
        "SELECT body, result FROM jobs_job WHERE id = ?", done["task_id"].replace("-", "")
    )
    assert row["body"] == ""
    assert json.loads(row["result"]) == done["result"]
    assert working_web.body(done["request_id"]) is None


async def test_a_key_revoked_meanwhile_fails_its_jobs(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=200, interval_s=0.05)) as runner:
        with working_web.client() as owner, working_web.client("soon revoked") as client:
            task_id = submit(client, model=runner.model)
            await reached(owner, task_id, "processing")
            await until(lambda: runner.running == 1, "running")
            working_web.manage(
                "shell",
                "-c",
                "from tests.people import row_of; from accounts.services import api_key_revoke; "
                f"api_key_revoke(key_id=row_of('{working_web.keys['soon revoked']}').id)",
            )
            failed = await ended(owner, task_id)
            await until(lambda: runner.running == 0, "stopped")
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "revoked_api_key"
    assert failed["result"] is None


async def test_a_job_whose_runner_died_is_begun_anew(working_web: LiveWeb) -> None:
    slow = Script(tokens=60, interval_s=0.05)
    with working_web.client() as client:
        async with working_web.runner(slow) as runner:
            task_id = submit(client, model=runner.model)
            await until(lambda: task(client, task_id)["progress"]["tokens"] > 3, "tokens")
        waiting = await reached(client, task_id, "queued")
        assert waiting["waiting_for"]["code"] in {"replica_lost", "model_not_ready"}
        async with working_web.runner(Script(tokens=4), model=runner.model):
            done = await ended(client, task_id)
    assert done["status"] == "completed"
    assert done["result"]["generated_text"] == "word " * 4
    rows = working_web.rows("model_name = ?", runner.model)
    assert [row["status"] for row in rows] == ["failed", "completed"]
    assert rows[1]["charged_requests"] == 1
