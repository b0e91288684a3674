"""Prompts, names of models and answers are text on every page that shows them, and run nothing.

Of file names: test_browsing_batches.py and test_playground_tools.py; of what people name
themselves: test_key_pages.py and test_browsing_webhooks.py; of a chat: test_playground_chat.py.
"""

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import Site
from tests.jobs.working_web import submit
from tests.live_web import CannedRunnerProcess, LiveWeb, plain

MARKUP: Final = "<img/src=x/onerror=alert(1)></pre><script>alert(2)</script>"
MODEL: Final = "<svg onload=alert(3)><b>model</b>"


@pytest.fixture(scope="module")
def hostile(working: LiveWeb) -> Iterator[str]:
    """A model that answers with markup."""
    model = working.stage()
    with CannedRunnerProcess(working, model, 3, word=MARKUP).running():
        yield model


@pytest.fixture
def page(site: Site) -> Page:
    opened = site.page("root")
    opened.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    return opened


def assert_text(page: Page, *texts: str) -> None:
    """Each is there to be read, and nothing of it is an element."""
    for text in texts:
        expect(page.get_by_text(text).first).to_be_visible()
    assert page.locator("main :is(img, script, svg, b:text-is('model'), [onerror])").count() == 0


def test_a_request_and_its_answer_are_text(site: Site, page: Page, hostile: str) -> None:
    body = {"model": hostile, "messages": [{"role": "user", "content": f"ask {MARKUP}"}]}
    headers = {"User-Agent": f"agent {MARKUP}"}
    with site.web.client("root", headers=headers) as client:
        answer = client.post("/v1/chat/completions", json=body)
    request_id = answer.headers["x-request-id"]
    site.web.sql("UPDATE gateway_request SET model_name = ? WHERE id = ?", MODEL, plain(request_id))
    page.goto(f"/account/requests/{request_id}")
    assert_text(
        page, f"ask {MARKUP}", f"{MARKUP} {MARKUP}", f"agent {MARKUP}", f"Request to {MODEL}"
    )
    page.goto("/account/requests")
    assert_text(page, MODEL)
    page.goto("/admin/gateway/request/")
    assert_no_markup_in_the_admin(page)


def test_a_job_and_its_answer_are_text(site: Site, page: Page, hostile: str) -> None:
    with site.web.client("root") as client:
        task_id = submit(client, model=hostile, text=f"ask {MARKUP}")
    page.goto(f"/account/jobs/{task_id}")
    expect(page.get_by_role("heading", name="What was answered")).to_be_visible()
    site.web.sql("UPDATE jobs_job SET model_name = ? WHERE id = ?", MODEL, plain(task_id))
    page.reload()
    assert_text(page, f"{MARKUP} {MARKUP}", f"Job for {MODEL}")
    page.goto("/account/jobs")
    assert_text(page, MODEL)
    page.goto("/admin/jobs/job/")
    assert_no_markup_in_the_admin(page)


@pytest.mark.usefixtures("working")
def test_the_text_of_a_job_under_way_is_text(site: Site, page: Page) -> None:
    model = site.web.stage()
    slow = CannedRunnerProcess(site.web, model, 60, interval_ms=500, word=MARKUP)
    with slow.running(), site.web.client("root") as client:
        task_id = submit(client, model=model, text="ask")
        page.goto(f"/account/jobs/{task_id}")
        expect(page.locator("#live-text")).to_contain_text(f"{MARKUP} {MARKUP}")
        assert_text(page)
        client.delete(f"/api/v1/tasks/{task_id}")


def test_what_the_landing_page_hears_of_models_is_text(page: Page) -> None:
    replica = {"model": MODEL, "state": MARKUP, "running": 1, "slots": 1, "waiting": 0}
    report = {"status": "ready", "replicas": [replica], "checks": {MARKUP: MARKUP}}
    page.route("**/health", lambda route: route.fulfill(json=report))
    page.clock.install()
    page.goto("/")
    page.clock.fast_forward(5_000)
    expect(page.get_by_text(MODEL)).to_be_visible()
    assert page.locator("main img, main script, main svg").count() == 0


def assert_no_markup_in_the_admin(page: Page) -> None:
    expect(page.locator("#result_list").get_by_text(MODEL).first).to_be_visible()
    assert page.locator("#result_list :is(img[src=x], script, svg, b)").count() == 0
