"""A real web process: what was just answered is in the history, the usage and the limits."""

from typing import Any

import httpx
import pytest

from tests.api.doors import CHAT, DOORS, GenerationDoor
from tests.live_web import LiveWeb, plain


def get(client: httpx.Client, address: str) -> dict[str, Any]:
    response = client.get(f"/api/v1/{address}")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_request_is_found_and_explained_by_the_id_it_was_answered_with(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    with live_web.client() as client:
        answered = client.post(door.address, json=door.smallest)
        name = answered.json()["id"]
        row = get(client, f"requests/{name}")
        why = get(client, f"requests/{name}/explain")
        newest = get(client, "requests?limit=1")["results"]
    assert plain(row["id"]) == plain(name)
    assert row["completion_tokens"] == 5
    assert "Hello" in str(row["body"]["prompt"])
    assert row["body"]["completion"] == "word " * 5
    assert [one["id"] for one in newest] == [row["id"]]
    assert why["id"] == row["id"]
    assert "admitted" in why["explanation"][0]
    assert why["replica"] in " ".join(why["explanation"])
    assert why["attempts"] == 1
    foreign = live_web.client("eve").get(f"/api/v1/requests/{name}/explain")
    assert foreign.status_code == 404


def test_usage_grows_by_what_was_answered(live_web: LiveWeb) -> None:
    with live_web.client("root") as client:
        before = get(client, "usage")["totals"]
        answered = client.post(CHAT.address, json=CHAT.smallest).json()["usage"]
        client.post(CHAT.address, json=CHAT.asking(temperature=9))
        after = get(client, "usage")["totals"]
    grown = {name: after[name] - before[name] for name in after if name != "cost"}
    assert (grown["requests"], grown["completed"], grown["refused"]) == (2, 1, 1)
    assert grown["completion_tokens"] == answered["completion_tokens"] == 5
    assert grown["prompt_tokens"] == answered["prompt_tokens"]


def test_the_limits_are_read_over_the_webs_own_connection_to_the_store(live_web: LiveWeb) -> None:
    live_web.sql(
        "INSERT INTO accounts_limit (user_id, per, model_name, resource, window, amount) "
        "SELECT id, 'user', '', 'tokens', 'day', 1000000 FROM accounts_user WHERE username = 'eve'"
    )
    try:
        with live_web.client("eve") as client:
            client.post(CHAT.address, json=CHAT.smallest)
            (quota,) = [one for one in get(client, "quotas")["results"] if one["source"] == "user"]
    finally:
        live_web.sql("DELETE FROM accounts_limit WHERE amount = 1000000 AND resource = 'tokens'")
    assert (quota["resource"], quota["window"], quota["limit"]) == ("tokens", "day", 1_000_000)
    assert quota["used"] + quota["reserved"] + quota["remaining"] == 1_000_000


def test_the_addresses_are_in_the_schema(live_web: LiveWeb) -> None:
    schema = live_web.client(None).get("/api/schema?format=json").json()
    asked = {
        name: {one["name"] for one in schema["paths"][f"/api/v1/{name}"]["get"]["parameters"]}
        for name in ("requests", "usage", "quotas")
    }
    assert {"before", "limit", "status", "from", "to", "user", "all"} <= asked["requests"]
    assert {"from", "to", "group_by", "key", "model", "all"} <= asked["usage"]
    assert asked["quotas"] == {"model"}
    assert "/api/v1/requests/{request_id}/explain" in schema["paths"]
