"""Pages carry a policy that lets nothing in from elsewhere; the API carries none."""

import pytest

from tests.live_web import LiveWeb

SIGN_IN = "/account/sign-in"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def policy(web: LiveWeb, path: str, **headers: str) -> dict[str, str]:
    """Return the policy of what is at `path`, directive by directive."""
    with web.client(None) as client:
        text = client.get(path, headers=headers).headers.get("content-security-policy", "")
    directives = (part.partition(" ") for part in text.split("; ") if part)
    return {name: value for name, _, value in directives}


@pytest.mark.parametrize("path", ["/", SIGN_IN, "/account/keys", "/no/such/page"])
def test_pages_run_nothing_inline_and_nothing_from_elsewhere(live_web: LiveWeb, path: str) -> None:
    found = policy(live_web, path)
    assert (found["default-src"], found["script-src"]) == ("'none'", "'self'")
    assert found["require-trusted-types-for"] == "'script'"
    assert found["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(found)
    assert "http" not in str(found)


@pytest.mark.parametrize("path", ["/admin/login/", "/api/docs", "/api/redoc"])
def test_what_others_wrote_may_style_itself_and_no_more(live_web: LiveWeb, path: str) -> None:
    found = policy(live_web, path)
    assert found["script-src"] == "'self'"
    assert found["style-src"] == "'self' 'unsafe-inline'"
    assert "http" not in str(found)


@pytest.mark.parametrize("path", ["/v1/models", "/api/v1/models", "/health"])
def test_the_api_does_not_go_through_it(live_web: LiveWeb, path: str) -> None:
    assert policy(live_web, path) == {}


def test_an_error_is_a_page_for_a_browser_and_json_for_a_program(live_web: LiveWeb) -> None:
    with live_web.client(None) as client:
        page = client.get("/no/such/page", headers=BROWSER)
        answer = client.get("/no/such/page")
        door = client.get("/api/v1/no/such/door", headers=BROWSER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is nothing at this address." in page.text
    assert page.headers["x-request-id"] in page.text
    for program in (answer, door):
        assert program.headers["content-type"] == "application/problem+json"
    assert {one.status_code for one in (page, answer, door)} == {404}


def test_a_form_without_its_token_is_refused_on_a_page(live_web: LiveWeb) -> None:
    with live_web.client(None) as client:
        refused = client.post(SIGN_IN, data={"username": "ada"}, headers=BROWSER)
    assert refused.status_code == 403
    assert "load the page again" in refused.text
