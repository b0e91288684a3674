"""The pages of webhooks: made with a secret, tested, changed and deleted by their owner alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import Site
from tests.jobs.webhooks.receiver import answering, receiving

HOSTILE = "<script>alert(1)</script>"


def make_webhook(page: Page, url: str, description: str = "") -> str:
    """Make a webhook; return its secret."""
    page.goto("/account/webhooks/new")
    page.get_by_label("Address").fill(url)
    page.get_by_label("Description").fill(description)
    page.get_by_role("button", name="Make the webhook").click()
    return page.locator("#secret").inner_text()


@pytest.mark.usefixtures("working")
def test_a_webhook_is_made_tested_and_deleted(site: Site) -> None:
    page = site.page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/account/webhooks")
    assert_looks_good(page, "webhooks-empty")
    with receiving(answering(200)) as receiver:
        secret = make_webhook(page, receiver.url, "to be tested")
        assert_looks_good(page, "webhook-secret")
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("A test is on its way")).to_be_visible()
        for _ in range(100):
            page.get_by_role("link", name="Look again").click()
            if page.get_by_text("delivered", exact=True).count():
                break
            page.wait_for_timeout(200)
        expect(page.get_by_text("delivered", exact=True)).to_be_visible()
        assert receiver.received[0].verified_by(secret)["type"] == "webhook.test"
    assert_looks_good(page, "webhook")
    page.get_by_role("button", name="Make a new secret").click()
    assert page.locator("#secret").inner_text() != secret
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_label("Send events there").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The webhook is changed.")).to_be_visible()
    expect(page.get_by_text("off", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete this webhook").click()
    expect(page.get_by_text("The webhook is deleted.")).to_be_visible()


def test_an_address_that_is_refused_says_why(site: Site) -> None:
    page = site.page()
    page.goto("/account/webhooks/new")
    page.get_by_label("Address").fill("ftp://hooks.example/")
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    assert_looks_good(page, "webhook-refused")


def test_hostile_descriptions_stay_text_and_others_find_nothing(site: Site) -> None:
    page = site.page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    make_webhook(page, "https://hooks.example/path", HOSTILE)
    page.goto("/account/webhooks")
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    assert_looks_good(page, "webhooks")
    (row,) = site.web.sql("SELECT id FROM webhooks_endpoint WHERE description = ?", HOSTILE)
    other = site.page("eve")
    other.goto(f"/account/webhooks/{row['id']}")
    expect(other.get_by_role("heading", name="There is nothing here")).to_be_visible()
