"""Whatever JSON or bytes come in, the answer is never a fault of ours."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.doors import DOORS, GenerationDoor, refusal
from tests.live_web import LiveWeb

JSON = {"Content-Type": "application/json"}
WORDS = """
    messages prompt text model max_tokens max_completion_tokens max_length temperature top_p top_k
    seed stop stream stream_options raw n tools logprobs user role content name
"""
NAMES = WORDS.split()
RELAXED = settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["user", "system", "tiny", "text", "\0", "\ud800", "{{7*7}}"]),
)
_messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "system", "assistant", "developer"])},
        optional={"content": st.one_of(st.text(max_size=30), _leaves), "name": _leaves},
    ),
    max_size=3,
)
_values = st.recursive(
    st.one_of(_leaves, _messages),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), inner, max_size=4),
    ),
    max_leaves=12,
)
_bodies = st.dictionaries(
    st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), st.text(max_size=8)),
    _values,
    max_size=6,
)


def _post(web: LiveWeb, door: GenerationDoor, content: bytes) -> None:
    response = web.client().post(door.address, content=content, headers=JSON)
    assert response.status_code < 500, (content, response.text)
    if response.status_code != 200:
        assert refusal(response).status in {400, 404}, content


@pytest.mark.parametrize("door", DOORS, ids=str)
@RELAXED
@given(extra=_bodies, complete=st.booleans())
def test_no_json_makes_the_platform_fail(
    live_web: LiveWeb, door: GenerationDoor, extra: dict[str, Any], complete: bool
) -> None:
    body = door.asking(**extra) if complete else extra
    _post(live_web, door, json.dumps(body).encode())


@pytest.mark.parametrize("door", DOORS, ids=str)
@RELAXED
@given(content=st.binary(max_size=60))
def test_no_bytes_make_the_platform_fail(
    live_web: LiveWeb, door: GenerationDoor, content: bytes
) -> None:
    _post(live_web, door, content)
