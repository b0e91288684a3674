"""Every way to sample reaches the runner as it was asked, from each door."""

from typing import Any

import pytest

from inference.engine.wire import Sampling, Submit
from tests.api.doors import DOORS, GenerationDoor
from tests.live_web import LiveWeb

ASKED: dict[str, Any] = {
    "temperature": 1.25,
    "top_p": 0.5,
    "top_k": 7,
    "min_p": 0.125,
    "repetition_penalty": 1.5,
    "presence_penalty": -0.5,
    "frequency_penalty": 0.75,
    "logit_bias": {"5": 2, "17": -100},
    "seed": 9,
}
REACHED = Sampling(**{**ASKED, "logit_bias": {5: 2.0, 17: -100.0}})


async def submitted(web: LiveWeb, door: GenerationDoor, **fields: Any) -> Submit:
    async with web.runner() as runner, web.async_client() as client:
        response = await client.post(door.address, json=door.asking(model=runner.model, **fields))
        assert response.status_code == 200, response.text
        (submit,) = runner.counters.submits
        return submit


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_each_setting_arrives(live_web: LiveWeb, door: GenerationDoor) -> None:
    submit = await submitted(
        live_web,
        door,
        **ASKED,
        **{door.max_tokens_field: 50},
        stop=["a", "b"],
        stop_token_ids=[3, 4],
        min_tokens=50,
        ignore_eos=True,
    )
    assert submit.sampling == REACHED
    assert (submit.max_tokens, submit.min_tokens, submit.ignore_eos) == (50, 50, True)
    assert (submit.stop, submit.stop_token_ids) == (["a", "b"], [3, 4])


@pytest.mark.parametrize("door", [door for door in DOORS if door.openai], ids=str)
async def test_null_asks_for_nothing(live_web: LiveWeb, door: GenerationDoor) -> None:
    nothing = dict.fromkeys([*ASKED, "stop", "stop_token_ids", "min_tokens", "ignore_eos", "n"])
    with_nulls = await submitted(live_web, door, **nothing)
    without = await submitted(live_web, door)
    assert with_nulls.sampling == without.sampling
    assert with_nulls.sampling == Sampling(
        temperature=without.sampling.temperature, top_p=without.sampling.top_p
    )


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_what_rounds_to_greedy_is_greedy(live_web: LiveWeb, door: GenerationDoor) -> None:
    submit = await submitted(live_web, door, temperature=1e-9, top_p=0)
    assert submit.sampling.temperature == 0
    assert 0 < submit.sampling.top_p < 1e-6


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_least_length_over_the_length_is_refused(live_web: LiveWeb, door: GenerationDoor) -> None:
    body = door.asking(min_tokens=6, **{door.max_tokens_field: 5})
    response = live_web.client().post(door.address, json=body)
    assert response.status_code == 400
    assert "min_tokens: 6 is over 5" in response.text
