"""The page of usage: sums, charts with tables beside them, and what is left of each limit."""

import time
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import Site
from tests.live_web import LiveWeb

HOSTILE = "<script>alert(1)</script>"
ZEROS = (
    *("api_key_id", "cancelled", "failed", "refused", "cached_tokens"),
    *("images", "charged_requests", "charged_images"),
)


def write_a_month(web: LiveWeb) -> None:
    """Write 25 days of two models, with sums that rise and fall, and a limit, for ada."""
    (ada,) = web.sql("SELECT id FROM accounts_user WHERE username = 'ada'")
    today = datetime.now(UTC).date()
    sums = "requests, completed, prompt_tokens, completion_tokens, charged_tokens, cost_nano"
    for ago in range(1, 26):
        for model, tokens in (
            ("smollm2-135m-instruct", 900 + 700 * (ago * 7 % 11)),
            (HOSTILE, 300 + 100 * (ago % 5)),
        ):
            counted = (tokens // 100, tokens // 100, tokens, tokens // 2, tokens * 3 // 2)
            web.sql(
                f"INSERT INTO gateway_usageday (day, user_id, model_name, {sums}, "
                f"{', '.join(ZEROS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1500000"
                f"{', 0' * len(ZEROS)})",
                *((today - timedelta(days=ago)).isoformat(), ada["id"], model, *counted),
            )
    web.sql(
        "INSERT INTO accounts_limit (user_id, per, model_name, resource, window, amount)"
        " VALUES (?, 'user', '', 'tokens', 'day', 1000000)",
        ada["id"],
    )


def test_usage_is_shown_as_charts_and_as_tables(site: Site) -> None:
    write_a_month(site.web)
    page = site.page()
    page.goto("/account/usage")
    models = page.get_by_role("table", name="Usage by model")
    expect(models.get_by_role("rowheader", name=HOSTILE)).to_be_visible()
    assert page.locator("svg.chart").count() == 2
    page.get_by_text("As a table").click()
    assert page.get_by_role("table", name="Usage by day").get_by_role("row").count() >= 26
    expect(page.get_by_role("heading", name="What is left of each limit")).to_be_visible()
    assert page.locator("meter").count() >= 1
    assert_looks_good(page, "usage")


def test_usage_of_one_model_and_of_nothing(site: Site) -> None:
    page = site.page()
    page.goto("/account/usage")
    page.get_by_role("textbox", name="Model").fill("no-such-model")
    page.get_by_label("The last").select_option("7 days")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nothing was used")).to_be_visible()
    assert_looks_good(page, "usage-empty")


def test_a_wrong_filter_is_told(site: Site) -> None:
    page = site.page()
    page.goto("/account/usage?days=9999")
    expect(page.get_by_text("9999 is not one of the available choices")).to_be_visible()


def test_what_was_just_used_is_there(site: Site) -> None:
    page = site.page("root")
    page.goto("/account/usage")
    with site.web.client("root") as client:
        client.post("/v1/completions", json={"model": "tiny", "prompt": "hi", "max_tokens": 2})
    deadline = time.monotonic() + 20
    while page.get_by_role("rowheader", name="tiny").count() == 0:
        assert time.monotonic() < deadline
        page.reload()
