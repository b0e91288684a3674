"""Limits hold for jobs: refused early where they are used up, waited for where they are taken."""

from tests.canned_runner import Script
from tests.gateway.limited_webs import limit_user
from tests.jobs.working_web import ended, submit
from tests.live_web import LiveWeb, until

JOBS = 50


async def test_fifty_jobs_under_a_limit_of_three_all_end_exactly_once(
    working_web: LiveWeb,
) -> None:
    limit_user(working_web, "eve", "concurrency", "now", 3)
    most = 0
    async with working_web.runner(Script(tokens=3, interval_s=0.02)) as runner:
        with working_web.client("eve") as client:
            for _ in range(JOBS):
                submit(client, model=runner.model)

            def all_ended() -> bool:
                nonlocal most
                most = max(most, runner.running)
                return _count(working_web, runner.model, "completed") == JOBS

            await until(all_ended, "all ended", seconds=90)
        assert runner.counters.accepted == runner.counters.finished == JOBS
        assert runner.counters.cancelled == 0
        model = runner.model
    assert 1 <= most <= 3
    # An attempt that did not reach the runner, on a crowded machine, has a row that says so.
    rows = working_web.rows("model_name = ? AND status != 'failed'", model)
    assert [row["status"] for row in rows] == ["completed"] * JOBS
    assert len({row["id"] for row in rows}) == JOBS
    await until(lambda: working_web.leases() == 0, "settled")


async def test_a_limit_that_is_used_up_refuses_at_once(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=1)) as runner:
        with working_web.client("soon deactivated") as client:
            limit_user(working_web, "leaver", "requests", "day", 1)
            await until(lambda: client.get("/api/v1/quotas").json()["results"], "known")
            first = await ended(client, submit(client, model=runner.model))
            assert first["status"] == "completed"
            body = {"text": "Hello", "model": runner.model}
            refused = client.post("/api/v1/generate/async", json=body)
    assert refused.status_code == 429
    assert refused.json()["code"] == "requests_limit"
    assert refused.json()["limit"]["used"] == 1
    assert 1 < int(refused.headers["retry-after"]) <= 2 * 86_400
    assert runner.counters.accepted == 1


def _count(web: LiveWeb, model: str, status: str) -> int:
    statement = "SELECT count(*) AS n FROM jobs_job WHERE model_name = ? AND status = ?"
    return int(web.sql(statement, model, status)[0]["n"])
