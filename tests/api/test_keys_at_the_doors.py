"""Who is let in at the doors that generate, and how quickly a key that is taken back stops."""

import time
from collections.abc import Callable

import pytest

from tests.api.doors import DOORS, GenerationDoor, refusal
from tests.live_web import LiveWeb

REFUSED = {
    None: "missing_api_key",
    "expired": "expired_api_key",
    "revoked": "revoked_api_key",
    "deactivated": "inactive_user",
}


@pytest.mark.parametrize(("key", "code"), REFUSED.items(), ids=str)
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_key_that_is_not_in_force_is_refused(
    live_web: LiveWeb, door: GenerationDoor, key: str | None, code: str
) -> None:
    response = live_web.client(key).post(door.address, json=door.smallest)
    answer = refusal(response)
    assert (answer.status, answer.code) == (401, code)
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_wrong_key_is_refused_and_not_repeated(live_web: LiveWeb, door: GenerationDoor) -> None:
    right = live_web.keys["ada"]
    for wrong in ("sk-canary", right[:-1] + ("a" if right[-1] != "a" else "b"), "x" * 5_000):
        headers = {"Authorization": f"Bearer {wrong}"}
        response = live_web.client(None).post(door.address, json=door.smallest, headers=headers)
        assert refusal(response).code == "invalid_api_key"
        assert wrong[:9] not in response.text


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_no_key_is_told_before_anything_of_the_body(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    response = live_web.client(None).post(door.address, content=b"{", headers={})
    assert refusal(response).status == 401


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_key_without_the_scope_may_not_generate(live_web: LiveWeb, door: GenerationDoor) -> None:
    answer = refusal(live_web.client("reader").post(door.address, json=door.smallest))
    assert (answer.status, answer.code) == (403, "scope_missing")
    assert "`generate`" in answer.detail


def test_a_key_without_the_scope_may_not_list_models(live_web: LiveWeb) -> None:
    for address in ("/v1/models", "/v1/models/tiny"):
        answer = refusal(live_web.client("writer").get(address))
        assert (answer.status, answer.code) == (403, "scope_missing")


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_key_for_other_models_does_not_learn_that_this_one_exists(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    client = live_web.client("other only")
    there = refusal(client.post(door.address, json=door.asking(model="tiny")))
    not_there = refusal(client.post(door.address, json=door.asking(model="titan")))
    assert there.status == not_there.status == 404
    assert there.detail.replace("tiny", "titan") == not_there.detail
    assert refusal(client.post(door.address, json=door.smallest)).code == "model_required"
    assert [one["id"] for one in client.get("/v1/models").json()["data"]] == ["other"]
    assert refusal(client.get("/v1/models/tiny")).code == "model_not_found"


def _revoke(web: LiveWeb, key: str) -> None:
    web.sql("UPDATE accounts_apikey SET revoked_at = datetime() WHERE id = ?", _id(web, key))


def _expire(web: LiveWeb, key: str) -> None:
    web.sql("UPDATE accounts_apikey SET expires_at = datetime() WHERE id = ?", _id(web, key))


def _deactivate(web: LiveWeb, key: str) -> None:
    web.sql("UPDATE accounts_user SET is_active = 0 WHERE username = 'leaver'")


def _delete(web: LiveWeb, key: str) -> None:
    number = _id(web, key)
    web.sql("UPDATE gateway_request SET api_key_id = NULL WHERE api_key_id = ?", number)
    web.sql("DELETE FROM accounts_apikey WHERE id = ?", number)


def _id(web: LiveWeb, key: str) -> int:
    rows = web.sql("SELECT id, public_id FROM accounts_apikey")
    return next(int(row["id"]) for row in rows if row["public_id"] in web.keys[key])


@pytest.mark.parametrize(
    ("key", "take_back"),
    [
        ("soon revoked", _revoke),
        ("soon expired", _expire),
        ("soon deactivated", _deactivate),
        ("soon deleted", _delete),
    ],
)
def test_a_key_taken_back_while_it_calls_stops_within_a_second(
    live_web: LiveWeb, key: str, take_back: Callable[[LiveWeb, str], None]
) -> None:
    door = DOORS[0]
    with live_web.client(key) as client:
        assert client.post(door.address, json=door.smallest).status_code == 200
        take_back(live_web, key)
        began = time.monotonic()
        while client.post(door.address, json=door.smallest).status_code == 200:
            assert time.monotonic() - began < 1
        assert client.post(door.address, json=door.smallest).status_code == 401
