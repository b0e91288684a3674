"""A body that is no JSON object is answered with what is wrong with it, and nothing happens."""

import pytest

from tests.api.doors import CHAT, COMPLETIONS, DOORS, GenerationDoor, refusal
from tests.live_web import LiveWeb

JSON = {"Content-Type": "application/json"}
BODIES = {
    "nothing after a brace": b"{",
    "a trailing comma": b'{"prompt": "hi",}',
    "single quotes": b"{'prompt': 'hi'}",
    "two values": b"{}{}",
    "NaN": b'{"prompt": "hi", "temperature": NaN}',
    "Infinity": b'{"prompt": "hi", "temperature": -Infinity}',
    "a number out of range": b'{"prompt": "hi", "temperature": 1e999}',
    "an endless number": b'{"prompt": "hi", "seed": ' + b"9" * 100_000 + b"}",
    "bad UTF-8": b'{"prompt": "\xff\xfe"}',
    "cut UTF-8": b'{"prompt": "\xe4\xbd"}',
    "UTF-16": '{"prompt": "hi"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"prompt": "hi"}',
    "a raw control character": b'{"prompt": "a\x00b"}',
    "half a surrogate pair": b'{"prompt": "\\ud83d"}',
    "surrogates in the wrong order": b'{"prompt": "\\udd00\\ud83d"}',
    "deep nesting": b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "only blanks": b"   ",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_malformed_json_is_refused_with_the_reason(
    live_web: LiveWeb, door: GenerationDoor, body: bytes
) -> None:
    answer = refusal(live_web.client().post(door.address, content=body, headers=JSON))
    assert (answer.status, answer.code) == (400, "parse_error")
    assert answer.detail.startswith("The body is not valid JSON: ")


def test_deep_nesting_is_called_that(live_web: LiveWeb) -> None:
    body = BODIES["deep nesting"]
    answer = refusal(live_web.client().post(CHAT.address, content=body, headers=JSON))
    assert "nested too deeply" in answer.detail


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"hi"', b"true", b"[{}]"])
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_body_that_is_no_object_is_refused(
    live_web: LiveWeb, door: GenerationDoor, body: bytes
) -> None:
    answer = refusal(live_web.client().post(door.address, content=body, headers=JSON))
    assert (answer.status, answer.code, answer.param) == (400, "invalid_request", None)


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_no_body_at_all_lacks_what_is_required(live_web: LiveWeb, door: GenerationDoor) -> None:
    answer = refusal(live_web.client().post(door.address, headers=JSON))
    assert (answer.status, answer.param) == (400, door.prompt_field)


TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", "x"]


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_another_content_type_is_refused_by_name(
    live_web: LiveWeb, door: GenerationDoor, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    answer = refusal(live_web.client().post(door.address, content=b"a=b", headers=headers))
    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert content_type in answer.detail


def test_json_with_a_charset_is_json(live_web: LiveWeb) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    body = '{"prompt": "größer 你好"}'.encode()
    response = live_web.client().post(COMPLETIONS.address, content=body, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_another_method_is_not_allowed_and_the_right_one_is_named(
    live_web: LiveWeb, door: GenerationDoor, method: str
) -> None:
    response = live_web.client().request(method, door.address)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    if method != "HEAD":
        assert refusal(response).code == "method_not_allowed"


@pytest.mark.parametrize("address", ["/v1/models", "/v1/models/tiny"])
def test_models_are_only_read_at_openais_door(live_web: LiveWeb, address: str) -> None:
    assert live_web.client().head(address).status_code == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        response = live_web.client().request(method, address)
        assert refusal(response).status == 405


def test_a_refusal_leaves_the_connection_usable(live_web: LiveWeb) -> None:
    with live_web.client() as client:
        for _ in range(3):
            assert client.post(CHAT.address, content=b"{", headers=JSON).status_code == 400
            assert client.post(CHAT.address, json=CHAT.smallest).status_code == 200
