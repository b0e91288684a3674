"""Health tells the truth: ready means that a request for the default model would be served."""

import msgspec

from inference.registry.directory import announce
from tests.api.doors import CHAT
from tests.canned_runner import CannedRunner
from tests.live_web import LiveWeb, StartWeb


def test_ready_when_a_request_for_the_default_model_is_served(live_web: LiveWeb) -> None:
    response = live_web.client(None).get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert set(response.json()["checks"].values()) == {"ok"}
    assert live_web.client().post(CHAT.address, json=CHAT.smallest).status_code == 200


def test_every_address_answers_with_and_without_a_slash_and_asks_for_no_key(
    live_web: LiveWeb,
) -> None:
    for address in ("/health", "/health/live", "/health/ready"):
        for slash in ("", "/"):
            response = live_web.client(None).get(address + slash)
            assert response.status_code == 200
            assert response.headers["cache-control"] == "no-store"


async def test_not_ready_without_a_ready_replica_of_the_default_model(start_web: StartWeb) -> None:
    with start_web() as web:
        client = web.client(None)
        response = client.get("/health/ready")
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1
        assert response.json()["checks"]["default_model"] == "tiny: no replica is running"
        assert client.get("/health/live").status_code == 200
        assert client.get("/health").json()["status"] == "unready"
        runner = CannedRunner(web.folder / "x.sock", "tiny")
        announce(web.store(), msgspec.structs.replace(runner.replica(), state="loading"))
        assert client.get("/health/ready").json()["checks"]["default_model"] == "tiny: loading"
        async with web.runner(model="other"):
            assert client.get("/health/ready").status_code == 503


def test_not_ready_without_a_default_model(start_web: StartWeb) -> None:
    with start_web() as web:
        web.sql("UPDATE registry_model SET enabled = 0")
        response = web.client(None).get("/health/ready")
        assert response.status_code == 503
        assert "no default" in response.json()["checks"]["default_model"]


def test_not_ready_without_the_store_and_alive_all_the_same(start_web: StartWeb) -> None:
    with start_web() as web:
        web.store().shutdown(nosave=True)
        client = web.client(None)
        response = client.get("/health/ready")
        assert response.status_code == 503
        assert response.json()["checks"]["store"] == "unavailable"
        assert client.get("/health").status_code == 200
        assert client.get("/health/live").status_code == 200


def test_not_ready_while_migrations_are_pending(start_web: StartWeb) -> None:
    with start_web(DATABASE_URL="sqlite://") as web:
        response = web.client(None).get("/health/ready")
        assert response.status_code == 503
        assert "manage.py migrate" in response.json()["checks"]["database"]
        assert web.client().post(CHAT.address, json=CHAT.smallest).status_code == 503
