"""Listing jobs: newest first, by pages that stay where they are, filtered by what they are."""

from typing import Any

import pytest

from tests.api.doors import refusal
from tests.live_web import LiveWeb

ADDRESS = "/api/v1/tasks"


@pytest.fixture(scope="module")
def submitted(live_web: LiveWeb) -> list[str]:
    """Five jobs of a user who has no others, oldest first; the first is cancelled."""
    with live_web.client("lister") as client:
        ids = [
            client.post("/api/v1/generate/async", json={"text": "hi", "model": model}).json()
            for model in ("tiny", "other", "tiny", "tiny", "other")
        ]
        found = [one["task_id"] for one in ids]
        client.delete(f"{ADDRESS}/{found[0]}")
    return found


def _list(web: LiveWeb, **query: Any) -> dict[str, Any]:
    with web.client("lister") as client:
        answer = client.get(ADDRESS, params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def _ids(page: dict[str, Any]) -> list[str]:
    return [row["task_id"] for row in page["results"]]


def test_all_come_newest_first(live_web: LiveWeb, submitted: list[str]) -> None:
    page = _list(live_web)
    assert _ids(page) == submitted[::-1]
    assert page["next"] is None
    assert not {"result", "progress"} & set(page["results"][0])


def test_pages_follow_each_other_without_a_gap(live_web: LiveWeb, submitted: list[str]) -> None:
    found, address = [], f"{ADDRESS}?limit=2"
    with live_web.client("lister") as client:
        while address:
            page = client.get(address).json()
            found += _ids(page)
            address = page["next"]
    assert found == submitted[::-1]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"status": "cancelled"}, [0]),
        ({"status": "queued"}, [4, 3, 2, 1]),
        ({"status": "completed"}, []),
        ({"model": "other"}, [4, 1]),
        ({"model": "nobody's"}, []),
        ({"kind": "generate/text", "status": "queued", "model": "tiny"}, [3, 2]),
        ({"to": "2020-01-01T00:00:00Z"}, []),
        ({"from": "2020-01-01T00:00:00Z"}, [4, 3, 2, 1, 0]),
    ],
)
def test_filters_apply_together(
    live_web: LiveWeb, submitted: list[str], query: dict[str, str], places: list[int]
) -> None:
    assert _ids(_list(live_web, **query)) == [submitted[place] for place in places]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"before": "yesterday"}, "before"),
        ({"status": "asleep"}, "status"),
        ({"from": "soon"}, "from"),
        ({"user": "ada"}, "user"),
    ],
)
def test_what_is_out_of_bounds_is_named(
    live_web: LiveWeb, query: dict[str, str], param: str
) -> None:
    with live_web.client() as client:
        told = refusal(client.get(ADDRESS, params=query))
    assert (told.status, told.param) == (400, param)
