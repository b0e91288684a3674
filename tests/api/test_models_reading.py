"""Listing and reading models, with how they are right now."""

from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inference.registry.directory import Replica, announce, withdraw
from inference.registry.live import STATES
from tests.model_rows import WHEEL, model_row
from tests.people import caller, key_of, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(db: None) -> Client:
    return caller(key_of(person()))


def read(client: Client, name: str = "tiny") -> dict[str, Any]:
    response = client.get(f"/api/v1/models/{name}")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def replica(state: str = "ready", **fields: Any) -> Replica:
    plain = {"id": "host-1:tiny", "model": "tiny", "address": "unix:/secret/path.sock"}
    return Replica(state=state, **{**plain, **fields})


def test_a_model_is_answered_with_everything_the_registry_knows(
    client: Client, store: redis.Redis
) -> None:
    model_row(description="small", licence="MIT", dtype="float32", slots=3)
    body = read(client)
    expected = {
        "name": "tiny",
        "task": "chat",
        "description": "small",
        "source": WHEEL,
        "licence": "MIT",
        "dtype": "float32",
        "context_length": 2048,
        "max_output_tokens": 2048,
        "slots": 3,
        "max_queue": 256,
        "threads": 0,
        "device": "auto",
        "enabled": True,
        "is_default": False,
        "state": "waiting",
        "progress": 0.0,
        "replicas": [],
    }
    assert expected.items() <= body.items()


@pytest.mark.parametrize("state", ["fetching", "loading", "ready", "stuck", "failed", "draining"])
def test_a_model_is_in_the_state_of_its_replica(
    client: Client, store: redis.Redis, state: str
) -> None:
    model_row()
    announce(store, replica(state, progress=0.25, detail="why"))
    body = read(client)
    assert (body["state"], body["progress"], body["detail"]) == (state, 0.25, "why")
    assert state in STATES


def test_a_replica_is_shown_without_where_it_listens(client: Client, store: redis.Redis) -> None:
    model_row()
    counts: dict[str, Any] = {"slots": 8, "running": 2, "waiting": 1, "tokens": 99, "restarts": 3}
    looks: dict[str, Any] = {"tier": "A", "device": "cuda:1", "resident_bytes": 5}
    announce(store, replica(**counts, **looks, pid=77))
    shown = {"id": "host-1:tiny", "state": "ready", **looks, **counts}
    assert read(client)["replicas"] == [shown]


def test_one_ready_replica_among_failed_ones_makes_the_model_ready(
    client: Client, store: redis.Redis
) -> None:
    model_row()
    for number, state in enumerate(["failed", "ready", "loading"]):
        announce(store, replica(state, id=f"host-{number}"))
    body = read(client)
    assert body["state"] == "ready"
    assert [one["id"] for one in body["replicas"]] == ["host-0", "host-1", "host-2"]


def test_a_replica_of_another_model_says_nothing(client: Client, store: redis.Redis) -> None:
    model_row()
    announce(store, replica(model="tiny2"))
    assert read(client)["state"] == "waiting"


def test_a_disabled_model_drains_until_its_replica_has_ended(
    client: Client, store: redis.Redis
) -> None:
    model_row(enabled=False)
    announce(store, replica("ready"))
    assert read(client)["state"] == "draining"
    withdraw(store, "host-1:tiny")
    assert read(client)["state"] == "disabled"


def test_without_the_store_the_state_is_unknown_and_the_rest_is_answered(
    client: Client, store_away: None
) -> None:
    model_row(slots=7)
    body = read(client)
    assert (body["state"], body["slots"], body["replicas"]) == ("unknown", 7, [])
    assert client.get("/api/v1/models").json()["results"][0]["state"] == "unknown"


def test_models_are_listed_by_name_in_pages(client: Client, store_away: None) -> None:
    for name in ("c", "a", "b"):
        model_row(name)
    body = client.get("/api/v1/models?limit=2").json()
    assert [model["name"] for model in body["results"]] == ["a", "b"]
    assert (body["count"], body["previous"]) == (3, None)
    following = client.get(body["next"]).json()
    assert [model["name"] for model in following["results"]] == ["c"]
    assert following["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        (f"limit={'9' * 5000}", "limit"),
        ("offset=-1", "offset"),
        ("offset=1e3", "offset"),
        ("offset=99999999999999999999", "offset"),
    ],
)
def test_a_page_out_of_bounds_is_refused_by_name(client: Client, query: str, field: str) -> None:
    response = client.get(f"/api/v1/models?{query}")
    assert (response.status_code, response.json()["param"]) == (400, field)


def test_a_page_beyond_the_end_is_empty(client: Client, store_away: None) -> None:
    model_row()
    assert client.get("/api/v1/models?offset=1000").json()["results"] == []


def test_a_list_takes_as_many_queries_however_long_it_is(client: Client, store_away: None) -> None:
    counts = []
    for number in range(1, 20, 9):
        for one in range(number):
            model_row(f"m{number}-{one}")
        with CaptureQueriesContext(connection) as queries:
            client.get("/api/v1/models")
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_a_key_for_one_model_lists_only_that(store_away: None) -> None:
    model_row("tiny")
    model_row("other")
    limited = caller(key_of(person(), allowed_models=["tiny"]))
    assert [model["name"] for model in limited.get("/api/v1/models").json()["results"]] == ["tiny"]


@pytest.mark.parametrize("address", ["/api/v1/models", "/api/v1/models/tiny"])
def test_an_address_answers_with_and_without_a_trailing_slash(
    client: Client, store_away: None, address: str
) -> None:
    model_row()
    plain, slashed = client.get(address), client.get(f"{address}/")
    assert (plain.status_code, slashed.status_code) == (200, 200)
    assert plain.json() == slashed.json()


@pytest.mark.parametrize("name", ["none", "TINY", "a%00b", "tiny%20", "%F0%9F%94%91", "x" * 5000])
def test_a_model_that_is_not_there_is_a_clear_404(client: Client, name: str) -> None:
    model_row()
    response = client.get(f"/api/v1/models/{name}")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["code"], body["status"], body["error"]) == ("model_not_found", 404, "Not found")
    assert len(response.content) < 1000


def test_a_model_with_dots_in_its_name_is_found(client: Client, store_away: None) -> None:
    model_row("qwen2.5-0.5b")
    assert read(client, "qwen2.5-0.5b")["name"] == "qwen2.5-0.5b"
