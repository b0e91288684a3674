"""A job is submitted, run by a worker and answered as its door would have answered."""

from tests.canned_runner import Script
from tests.jobs.working_web import ended
from tests.live_web import LiveWeb


async def test_a_job_is_answered_as_generate_text_would_be(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=5)) as runner:
        with working_web.client() as client:
            body = {"text": "Hello", "model": runner.model}
            answer = client.post("/api/v1/generate/async", json=body)
            assert answer.status_code == 202
            assert answer.json()["status"] == "processing"
            task_id = answer.json()["task_id"]
            assert answer.headers["location"] == f"/api/v1/tasks/{task_id}"
            done = await ended(client, task_id)
            assert done["status"] == "completed", done
            assert done["result"]["generated_text"] == "word " * 5
            assert done["result"]["model_used"] == runner.model
            assert done["usage"]["completion_tokens"] == 5
            assert done["error"] is None
            assert done["progress"] is None
        assert runner.counters.accepted == 1
        assert runner.counters.submits[0].priority == 1
        row = working_web.row(done["request_id"])
        assert (row["status"], row["door"], row["completion_tokens"]) == (
            "completed", "generate/async", 5)  # fmt: skip
