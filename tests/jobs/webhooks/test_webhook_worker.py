"""A real web and a real worker tell a real receiver, whatever dies in between."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.jobs.webhooks.receiver import Script, answering, receiving
from tests.jobs.working_web import Worker, submit
from tests.live_web import CannedRunnerProcess, LiveWeb, StartWeb, until


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    """A web that may send to this machine, with a model and without a worker."""
    allowed = {"WEBHOOKS_ALLOW_PRIVATE": "true", "WEBHOOKS_ALLOW_HTTP": "true"}
    with start_web(**allowed) as web, CannedRunnerProcess(web).running():
        yield web


def make(web: LiveWeb, url: str, *events: str) -> dict[str, Any]:
    """Return an endpoint of ada's with its secret."""
    with web.client("manager") as client:
        made = client.post("/api/v1/webhooks", json={"url": url, "events": events})
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def test_a_job_that_ends_is_told_of_at_once(web: LiveWeb) -> None:
    with receiving(answering(200)) as receiver, Worker(web).running():
        endpoint = make(web, f"{receiver.url}?token=sesame", "job.completed")
        with web.client("ada") as client:
            task_id = submit(client, model="tiny")
        await until(lambda: receiver.received, "told")
        payload: Any = receiver.received[0].verified_by(endpoint["secret"])
    assert (payload["type"], payload["data"]["task_id"]) == ("job.completed", task_id)
    assert payload["data"]["completion_tokens"] > 0
    assert receiver.received[0].path == "/hook?token=sesame"
    for log in ("web.log", "worker.log"):
        assert "sesame" not in (web.folder / log).read_text()


async def test_a_delivery_whose_worker_was_killed_is_made_by_the_next(web: LiveWeb) -> None:
    with receiving(holding_the_first()) as receiver:
        endpoint = make(web, receiver.url, "job.failed")
        deliveries = f"/api/v1/webhooks/{endpoint['id']}/deliveries"
        with web.client("manager") as client:
            worker = Worker(web)
            with worker.running():
                client.post(f"/api/v1/webhooks/{endpoint['id']}/test")
                await until(lambda: receiver.received, "begun")
                worker.kill()
            (row,) = client.get(deliveries).json()["results"]
            assert (row["status"], row["attempts"]) == ("pending", 1)
            # The lease of two minutes is over.
            web.sql("UPDATE webhooks_delivery SET next_attempt_at = '2026-01-01 00:00:00'")
            with Worker(web).running():
                await until(
                    lambda: client.get(deliveries).json()["results"][0]["status"] == "delivered",
                    "delivered",
                    seconds=40,
                )
    assert len(receiver.received) == 2
    assert len(set(receiver.ids())) == 1
    assert receiver.received[1].verified_by(endpoint["secret"])


def holding_the_first() -> Script:
    """Return a script that answers nothing to the first request, and yes to all others."""
    answer, asked = answering(200), []

    def hold(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler)
        if len(asked) == 1:
            handler.rfile.read(1)  # until the other side is gone
        else:
            answer(handler)

    return hold
