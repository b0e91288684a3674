"""Browsers of the origins that are allowed may call the API, and no others."""

from tests.api.doors import CHAT
from tests.live_web import LiveWeb

ALLOWED = "https://app.example"


def preflight(web: LiveWeb, origin: str) -> dict[str, str]:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-api-key",
    }
    response = web.client(None).options(CHAT.address, headers=headers)
    assert response.status_code == 200
    return dict(response.headers)


def test_an_allowed_origin_may_send_a_key_in_either_header(live_web: LiveWeb) -> None:
    headers = preflight(live_web, ALLOWED)
    assert headers["access-control-allow-origin"] == ALLOWED
    assert {"authorization", "content-type", "x-api-key"} <= {
        name.strip() for name in headers["access-control-allow-headers"].split(",")
    }


def test_another_origin_may_not(live_web: LiveWeb) -> None:
    for origin in ("https://evil.example", "https://app.example.evil.example", "null", "http://["):
        assert "access-control-allow-origin" not in preflight(live_web, origin)


def test_answers_show_an_allowed_origin_their_id(live_web: LiveWeb) -> None:
    for stream in (False, True):
        response = live_web.client().post(
            CHAT.address, json=CHAT.asking(stream=stream), headers={"Origin": ALLOWED}
        )
        assert response.headers["access-control-allow-origin"] == ALLOWED
        assert "x-request-id" in response.headers["access-control-expose-headers"]
