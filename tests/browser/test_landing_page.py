"""The page at `/` says what is here and whether it is healthy."""

import httpx
from playwright.sync_api import expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import Site

EVERY_MS = 5_000  # as health.js says


def test_the_landing_page_looks_good_and_says_that_it_is_ready(site: Site) -> None:
    page = site.page(None)
    page.goto("/")
    expect(page.locator("#health")).to_contain_text("Up and answering")
    assert_looks_good(page, "landing")


def test_the_page_follows_the_health_while_it_is_open(site: Site) -> None:
    window = site.window()
    page = window.page()
    page.clock.install()
    page.goto("/")
    unready = {"status": "unready", "replicas": [], "checks": {"store": "unavailable"}}
    page.route("**/health", lambda route: route.fulfill(json=unready))
    page.clock.fast_forward(EVERY_MS)
    expect(page.locator("#health")).to_contain_text("Not ready yet")
    expect(page.get_by_text("No model is running.")).to_be_visible()
    page.unroute("**/health")
    page.clock.fast_forward(EVERY_MS)
    expect(page.locator("#health")).to_contain_text("Up and answering")


def test_the_commands_on_it_answer(site: Site) -> None:
    page = site.page(None)
    page.goto("/")
    lines = page.locator("#first-answer").inner_text().splitlines()
    assert len(lines) == 3
    assert f"BASE={site.web.base_url}/v1" in lines
    body = lines[-1].partition(" -d '")[2].removesuffix("'")
    with site.web.client("ada", headers={"Content-Type": "application/json"}) as client:
        assert client.post("/v1/chat/completions", content=body).status_code == httpx.codes.OK


def test_the_first_tab_leads_past_the_header(site: Site) -> None:
    page = site.page(None)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_pages_of_others_work_under_their_policy(site: Site) -> None:
    window = site.window("root")
    window.expected.append("https://cdn.redoc.ly")  # ReDoc's logo, which the policy keeps out
    page = window.page()
    page.goto("/api/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    page.goto("/api/redoc")
    page.locator("redoc h1").wait_for(timeout=120_000)  # it draws the whole API at once
    for address in ("/admin/", "/admin/accounts/apikey/add/", "/admin/gateway/request/"):
        page.goto(address)
        expect(page.locator("#content")).to_be_visible()


def test_an_address_without_a_page_says_so(site: Site) -> None:
    page = site.page(None)
    page.goto("/no/such/page")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert_looks_good(page, "not-found")
