"""The pages of jobs: watched while they run, cancelled, and read when they are over."""

import pytest
from playwright.sync_api import expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import Site, posted
from tests.jobs.working_web import submit
from tests.live_web import LiveWeb

HOSTILE = "<img src=x onerror=alert(1)>"


def submitted(web: LiveWeb, model: str, text: str = "Hello") -> str:
    with web.client("ada") as client:
        return submit(client, model=model, text=text, max_length=120)


@pytest.mark.usefixtures("working")
def test_a_job_is_watched_and_cancelled(site: Site) -> None:
    task_id = submitted(site.web, "other")
    page = site.page()
    page.goto(f"/account/jobs/{task_id}")
    expect(page.locator("#live-text")).to_contain_text("word word word")
    expect(page.locator("#live-state")).to_have_text("processing")
    assert_looks_good(page, "job-running")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_role("status")).to_contain_text("The job is cancelled")
    expect(page.get_by_role("button", name="Cancel the job")).to_have_count(0)


@pytest.mark.usefixtures("working")
def test_a_job_that_ends_while_it_is_watched_shows_its_answer(site: Site) -> None:
    task_id = submitted(site.web, "tiny", HOSTILE)
    page = site.page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(f"/account/jobs/{task_id}")
    expect(page.get_by_role("heading", name="What was answered")).to_be_visible()
    assert_looks_good(page, "job")
    page.get_by_role("link", name="Its request in the history").click()
    expect(page.get_by_text(HOSTILE)).to_be_visible()


@pytest.mark.usefixtures("working")
def test_jobs_are_listed_by_status(site: Site) -> None:
    submitted(site.web, "tiny")
    page = site.page()
    page.goto("/account/jobs")
    expect(page.locator("tbody tr").first).to_be_visible()
    assert_looks_good(page, "jobs")
    page.get_by_label("Status").select_option("Failed")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nothing passes this filter")).to_be_visible()


@pytest.mark.usefixtures("working")
def test_nobody_watches_or_cancels_anothers_job(site: Site) -> None:
    task_id = submitted(site.web, "other")
    page = site.page("eve")
    page.goto(f"/account/jobs/{task_id}")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert page.context.request.get(f"/api/v1/tasks/{task_id}/events").status == 404
    page.goto("/account/keys")
    assert posted(page, f"/account/jobs/{task_id}/cancel") == 404
    with site.web.client("ada") as client:
        assert client.get(f"/api/v1/tasks/{task_id}").json()["status"] != "cancelled"
        client.delete(f"/api/v1/tasks/{task_id}")


def test_no_job_yet_says_how_to_begin(site: Site) -> None:
    page = site.page("root")
    page.goto("/account/jobs")
    expect(page.get_by_text("No job yet")).to_be_visible()
    assert_looks_good(page, "jobs-empty")
