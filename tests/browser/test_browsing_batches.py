"""The pages of batches: counts while lines end, files to download, and the button that cancels."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import Site, posted
from tests.jobs.batch_files import CHAT, chat_line, jsonl, sdk

HOSTILE = "<img src=x onerror=alert(1)>"


def begun(site: Site, *lines: object) -> str:
    """Begin a batch whose file and metadata have hostile names; return its id."""
    client = sdk(site.web)
    sent = client.files.create(file=(f"{HOSTILE}.jsonl", jsonl(lines)), purpose="batch")
    metadata = {HOSTILE: f"</dd>{HOSTILE}"}
    return client.batches.create(
        input_file_id=sent.id, endpoint=CHAT, completion_window="24h", metadata=metadata
    ).id


def watched(site: Site, batch_id: str) -> Page:
    page = site.page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(f"/account/batches/{batch_id}")
    return page


@pytest.mark.usefixtures("working")
def test_a_batch_is_watched_cancelled_and_its_answers_downloaded(site: Site) -> None:
    quick = [chat_line(f"quick-{number}", "tiny") for number in range(3)]
    never = chat_line("never", "asleep")
    page = watched(site, begun(site, never, *quick))
    page.evaluate("stillHere = true")
    expect(page.locator("#live-over")).to_have_text("3")
    expect(page.locator("#live-total")).to_have_text("4")
    expect(page.locator("#live-state")).to_have_text("in progress")
    assert page.evaluate("stillHere"), "the page was loaded anew"
    assert_looks_good(page, "batch-running")
    page.evaluate("confirm = () => true")  # a dialog that is shown fails this test
    page.get_by_role("button", name="Cancel the batch").click()
    expect(page.get_by_role("status").first).to_contain_text("No more lines begin")
    expect(page.get_by_role("button", name="Cancel the batch")).to_have_count(0)
    # It ends at once or a moment later; then the page shows what came of it by itself.
    expect(page.get_by_role("link", name="Download answers")).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download answers").click()
    lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert {line["custom_id"] for line in lines} == {"quick-0", "quick-1", "quick-2"}
    assert_looks_good(page, "batch")
    page.goto("/account/batches")
    expect(page.get_by_text("3 of 4")).to_be_visible()
    assert_looks_good(page, "batches")


@pytest.mark.usefixtures("working")
def test_hostile_names_stay_text_and_what_is_wrong_with_a_file_is_told(site: Site) -> None:
    page = watched(site, begun(site, HOSTILE))
    errors = page.get_by_role("table", name="Errors of the file")
    expect(errors).to_contain_text("The line is not one JSON object")
    expect(page.get_by_text(f"{HOSTILE}.jsonl")).to_be_visible()
    expect(page.get_by_text(f"</dd>{HOSTILE}")).to_be_visible()
    assert page.locator("main img, main script").count() == 0
    assert_looks_good(page, "batch-refused")


@pytest.mark.usefixtures("working")
def test_nobody_opens_or_cancels_anothers_batch(site: Site) -> None:
    batch_id = begun(site, chat_line("slow", "asleep"))
    page = site.page("eve")
    page.goto(f"/account/batches/{batch_id}")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.goto("/account/keys")
    assert posted(page, f"/account/batches/{batch_id}/cancel") == 404
    client = sdk(site.web)
    assert client.batches.retrieve(batch_id).status != "cancelling"
    client.batches.cancel(batch_id)
