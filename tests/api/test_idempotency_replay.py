"""The same Idempotency-Key and body give the first answer again; anything else does not."""

import pytest

from tests.api.doors import CHAT, COMPLETIONS, DOORS, NATIVE, GenerationDoor, refusal
from tests.api.keyed import REPLAYED, fresh_key, is_replay, post
from tests.canned_runner import Script
from tests.live_web import LiveWeb

STAMPED = Script(tokens=5, stamped=True)  # no two answers are alike


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_the_second_gets_every_byte_of_the_first_and_nothing_is_generated(
    live_web: LiveWeb, door: GenerationDoor, stream: bool
) -> None:
    async with live_web.runner(STAMPED) as runner, live_web.async_client() as client:
        key, fields = fresh_key(), {"model": runner.model, "stream": stream}
        first = await post(client, key, door, **fields)
        second = await post(client, key, door, **fields)
        assert runner.counters.accepted == 1
    assert (first.status_code, second.status_code) == (200, 200)
    assert REPLAYED not in first.headers
    assert is_replay(second)
    assert second.content == first.content
    assert len(first.content) > 100
    for name in ("content-type", "cache-control", "x-accel-buffering"):
        assert second.headers.get(name) == first.headers.get(name)


async def test_a_replay_takes_no_quota_and_leaves_no_row_but_a_line_in_the_log(
    live_web: LiveWeb,
) -> None:
    async with live_web.runner() as runner, live_web.async_client() as client:
        key = fresh_key()
        await post(client, key, model=runner.model)
        again = await post(client, key, model=runner.model)
        assert len(live_web.rows("model_name = ?", runner.model)) == 1
    request_id = again.headers["x-request-id"]
    assert not live_web.rows("id = ?", request_id.replace("-", ""))
    (line,) = [one for one in live_web.log_lines(request_id) if one["event"] == "request"]
    assert (line["status"], line["outcome"], line["user"]) == (200, "replayed", "ada")


async def test_a_route_is_the_same_with_and_without_its_slash(live_web: LiveWeb) -> None:
    async with live_web.async_client() as client:
        headers = {"Idempotency-Key": fresh_key()}
        first = await client.post(CHAT.address, json=CHAT.smallest, headers=headers)
        again = await client.post(f"{CHAT.address}/", json=CHAT.smallest, headers=headers)
    assert is_replay(again)
    assert again.content == first.content


async def test_without_a_key_every_request_is_its_own(live_web: LiveWeb) -> None:
    async with live_web.runner(STAMPED) as runner, live_web.async_client() as client:
        body = CHAT.asking(model=runner.model)
        answers = [await client.post(CHAT.address, json=body) for _ in range(2)]
        assert runner.counters.accepted == 2
    assert answers[0].content != answers[1].content
    assert not any(REPLAYED in answer.headers for answer in answers)


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_the_same_key_with_another_body_is_refused(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    async with live_web.async_client() as client:
        key = fresh_key()
        await post(client, key, door)
        other = await post(client, key, door, temperature=0.5)
    refused = refusal(other)
    assert (refused.status, refused.code) == (409, "idempotency_key_reused")
    assert refused.param == "Idempotency-Key"
    assert other.headers["x-should-retry"] == "false"  # or SDKs would send it twice more


async def test_the_same_key_at_another_address_is_refused(live_web: LiveWeb) -> None:
    async with live_web.async_client() as client:
        key = fresh_key()
        body = {"prompt": "Hello", "text": "Hello"}
        await client.post(COMPLETIONS.address, json=body, headers={"Idempotency-Key": key})
        headers = {"Idempotency-Key": key}
        assert (await post(client, key, COMPLETIONS)).status_code in {200, 409}
        other = await client.post(NATIVE.address, json=COMPLETIONS.smallest, headers=headers)
        with_query = await client.post(
            f"{COMPLETIONS.address}?a=1", json=COMPLETIONS.smallest, headers=headers
        )
    assert refusal(other).code == "idempotency_key_reused"
    assert refusal(with_query).code == "idempotency_key_reused"


@pytest.mark.parametrize("who", ["eve", "writer"])
async def test_another_user_or_api_key_with_the_same_key_is_served_for_itself(
    live_web: LiveWeb, who: str
) -> None:
    async with live_web.runner(STAMPED) as runner:
        key = fresh_key()
        async with live_web.async_client() as ada, live_web.async_client(who) as other:
            first = await post(ada, key, model=runner.model)
            theirs = await post(other, key, model=runner.model)
            another_body = await post(other, f"{key}-2", model=runner.model, temperature=0.1)
        assert runner.counters.accepted == 3
    assert not is_replay(theirs)
    assert theirs.content != first.content
    assert another_body.status_code == 200


@pytest.mark.parametrize("who", [None, "revoked", "reader"])
async def test_whoever_may_not_generate_gets_no_replay(live_web: LiveWeb, who: str | None) -> None:
    async with live_web.async_client(who) as client:
        answer = await post(client, fresh_key())
    assert answer.status_code in {401, 403}
    assert refusal(answer).code in {"missing_api_key", "revoked_api_key", "scope_missing"}


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 256, "tab\there"])
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_key_out_of_bounds_is_refused_with_the_bound(
    live_web: LiveWeb, door: GenerationDoor, key: str
) -> None:
    async with live_web.async_client() as client:
        headers = [(b"Idempotency-Key", key.encode("latin-1"))]
        answer = await client.post(door.address, json=door.smallest, headers=headers)
    refused = refusal(answer)
    assert (refused.status, refused.code) == (400, "invalid_idempotency_key")
    assert "1 to 255 visible ASCII" in refused.detail


async def test_the_longest_key_of_every_visible_character_is_taken(live_web: LiveWeb) -> None:
    visible = "".join(chr(code) for code in range(0x21, 0x7F))
    async with live_web.async_client() as client:
        key = (visible * 3)[:255]
        first = await post(client, key)
        again = await post(client, key)
    assert first.status_code == 200
    assert is_replay(again)
