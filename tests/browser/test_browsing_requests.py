"""The pages of the history: filters, pages, one request with its texts and its explanation."""

import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import Site

HOSTILE = "</pre><img src=x onerror=alert(1)><script>alert(2)</script> & <b>bold</b>"


def ask(site: Site, text: str, key: str = "ada") -> str:
    """Ask `tiny` and return the request's id."""
    body = {"model": "tiny", "messages": [{"role": "user", "content": text}], "max_tokens": 3}
    with site.web.client(key) as client:
        answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-request-id"]


def test_a_request_is_found_and_explained(site: Site) -> None:
    request_id = ask(site, HOSTILE)
    page = site.page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto("/account/requests")
    page.locator("tbody").get_by_role("link").first.click()
    expect(page.get_by_text("It was admitted")).to_be_visible()
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    expect(page.get_by_role("heading", name="Request to tiny")).to_be_visible()
    assert request_id in page.url
    assert page.locator("main img, main script, main b").count() == 4  # the tiles' numbers
    assert_looks_good(page, "request")


def test_the_list_is_filtered(site: Site) -> None:
    ask(site, "a question", "root")
    page = site.page("root")
    page.goto("/account/requests?status=completed&model=tiny")
    expect(page.get_by_label("Status")).to_have_value("completed")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.get_by_label("Status").select_option("Failed")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("Nothing passes this filter")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    assert_looks_good(page, "requests")


def test_pages_follow_each_other_and_keep_the_filter(site: Site) -> None:
    (row,) = site.web.rows("id = ?", ask(site, "copied", "root").replace("-", ""))
    columns = list(row)
    older = [f"{uuid.UUID(int=uuid.UUID(row['id']).int - number).hex}" for number in range(1, 61)]
    for one in older:
        values = {**row, "id": one}
        places = ", ".join("?" for _ in columns)
        site.web.sql(
            f"INSERT INTO gateway_request ({', '.join(columns)}) VALUES ({places})",
            *(values[name] for name in columns),
        )
    page = site.page("root")
    page.goto("/account/requests?model=tiny")
    first = page.locator("tbody a").evaluate_all("all => all.map(one => one.href)")
    page.get_by_role("link", name="Older requests").click()
    expect(page.get_by_label("Model")).to_have_value("tiny")
    second = page.locator("tbody a").evaluate_all("all => all.map(one => one.href)")
    assert len(first) >= 50
    assert second
    assert not set(first) & {one for one in second if "/requests/" in one}
    page.get_by_role("link", name="Newest").click()
    expect(page.get_by_label("Model")).to_have_value("tiny")


def test_an_id_leads_to_its_request_and_nonsense_is_told(site: Site) -> None:
    request_id = ask(site, "find me")
    page = site.page()
    page.goto("/account/requests")
    page.get_by_label("Request id").fill(f"chatcmpl-{request_id}")
    page.keyboard.press("Enter")
    expect(page.get_by_text("find me")).to_be_visible()
    page.goto("/account/requests?id=nonsense")
    expect(page.get_by_label("Request id")).to_have_attribute("aria-invalid", "true")


def test_nobody_reads_anothers_request(site: Site) -> None:
    request_id = ask(site, "a secret of ada")
    for name in ("eve", "root"):
        page = site.page(name)
        page.goto(f"/account/requests/{request_id}")
        expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
        page.goto(f"/account/requests?id={request_id}")
        assert "a secret of ada" not in page.content()
    page.goto(f"/account/requests/{uuid.uuid4()}")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_a_history_without_requests_says_how_to_begin(site: Site) -> None:
    page = site.page("eve")
    page.goto("/account/requests")
    expect(page.get_by_text("No request yet")).to_be_visible()
    assert_looks_good(page, "requests-empty")
