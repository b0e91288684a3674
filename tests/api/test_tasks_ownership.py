"""A job is its owner's alone: to anybody else it is as if it did not exist."""

import pytest

from tests.api.doors import Refusal, refusal
from tests.live_web import LiveWeb

UNKNOWN = "01a20642-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def adas(live_web: LiveWeb) -> str:
    with live_web.client("ada") as client:
        answer = client.post("/api/v1/generate/async", json={"text": "ada's secret"})
        return str(answer.json()["task_id"])


def _told(web: LiveWeb, key: str, method: str, task_id: str, below: str) -> Refusal:
    with web.client(key) as client:
        return refusal(client.request(method, f"/api/v1/tasks/{task_id}{below}"))


@pytest.mark.parametrize("key", ["eve all", "root"])
@pytest.mark.parametrize(
    ("method", "below"), [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/events")]
)
def test_anothers_job_is_as_unknown_as_none_at_all(
    live_web: LiveWeb, adas: str, key: str, method: str, below: str
) -> None:
    told = _told(live_web, key, method, adas, below)
    assert told == _told(live_web, key, method, UNKNOWN, below)
    assert (told.status, told.code) == (404, "task_not_found")


@pytest.mark.parametrize("key", ["eve all", "root"])
def test_no_list_shows_it(live_web: LiveWeb, adas: str, key: str) -> None:
    with live_web.client(key) as client:
        assert adas not in client.get("/api/v1/tasks", params={"limit": 200}).text


def test_it_is_still_there_for_its_owner(live_web: LiveWeb, adas: str) -> None:
    with live_web.client("manager") as client:  # another key of the same user
        assert client.get(f"/api/v1/tasks/{adas}").json()["status"] == "queued"


@pytest.mark.parametrize("text", ["1", "..", "a" * 300, f"{UNKNOWN}0", "%00", "*"])
def test_what_is_no_id_is_unknown(live_web: LiveWeb, text: str) -> None:
    with live_web.client() as client:
        assert client.get(f"/api/v1/tasks/{text}").status_code == 404
