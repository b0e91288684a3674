"""Waiting for tasks of a whole platform."""

from typing import Any

import httpx

from tests.platform_process import PlatformProcess

ENDED = ("completed", "failed", "cancelled")


def accepted(answer: httpx.Response) -> str:
    """Return the id of the task that was just submitted."""
    assert answer.status_code == 202, answer.text
    task_id = str(answer.json()["task_id"])
    assert answer.json() == {"task_id": task_id, "status": "processing"}
    assert answer.headers["location"] == f"/api/v1/tasks/{task_id}"
    return task_id


def ended(platform: PlatformProcess, task_id: str) -> dict[str, Any]:
    """Wait until the task has ended and return it."""
    with platform.client() as client:

        def task() -> dict[str, Any]:
            answer = client.get(f"/api/v1/tasks/{task_id}")
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        platform.until(lambda: task()["status"] in ENDED, f"{task_id} has ended")
        return task()


def stranger(platform: PlatformProcess) -> httpx.Client:
    """Return a client of somebody who may do everything with what is their own."""
    code = (
        "from accounts import scopes; from accounts.models import User; "
        "from tests.people import key_of; "
        "eve, _ = User.objects.get_or_create(username='eve'); "
        "print(key_of(eve, scope=sorted(scopes.ALL)))"
    )
    key = platform.must("shell", "-c", code).split()[-1]
    return httpx.Client(base_url=platform.base_url, headers={"Authorization": f"Bearer {key}"})
