"""Keys on their pages: made, used, changed, rotated and revoked by their owner, and by no other."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import Site, posted

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def make_key(page: Page, name: str) -> str:
    """Make a key with what is offered first; return its text."""
    page.goto("/account/keys/new")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the key").click()
    return page.locator("#secret").inner_text()


def status(site: Site, key: str) -> int:
    """Return how the API answers that key."""
    return httpx.get(
        f"{site.web.base_url}/v1/models", headers={"Authorization": f"Bearer {key}"}
    ).status_code


def open_key(page: Page, name: str) -> None:
    page.goto("/account/keys")
    page.get_by_role("link", name=name, exact=True).click()


def test_a_key_is_made_used_and_revoked(site: Site) -> None:
    page = site.page()
    text = make_key(page, "made in a browser")
    assert status(site, text) == 200
    page.reload()  # shows its settings; nothing is made a second time
    expect(page.get_by_role("heading", name="made in a browser")).to_be_visible()
    assert text not in page.content()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke this key").click()
    expect(page.get_by_role("status")).to_contain_text("made in a browser is revoked")
    deadline = 20
    while status(site, text) != 401:
        page.wait_for_timeout(100)
        deadline -= 1
        assert deadline, "a revoked key still works"
    made = site.web.sql("SELECT id FROM accounts_apikey WHERE name = 'made in a browser'")
    assert len(made) == 1


def test_revoking_asks_first(site: Site) -> None:
    page = site.page()
    text = make_key(page, "kept")
    open_key(page, "kept")
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Revoke this key").click()
    expect(page.get_by_role("heading", name="kept")).to_be_visible()
    assert status(site, text) == 200


def test_a_rotated_key_goes_on_until_its_grace_is_over(site: Site) -> None:
    page = site.page()
    old = make_key(page, "to rotate")
    open_key(page, "to rotate")
    page.get_by_label("The old key ends").select_option("After an hour")
    page.get_by_role("button", name="Make the next key").click()
    new = page.locator("#secret").inner_text()
    assert new != old
    assert (status(site, old), status(site, new)) == (200, 200)


def test_what_is_wrong_stands_at_its_field(site: Site) -> None:
    page = site.page()
    page.goto("/account/keys/new")
    page.get_by_label("Networks").fill("10.0.0.0/8\nnowhere")
    page.get_by_label("Name").fill("wrong networks")
    page.get_by_role("button", name="Make the key").click()
    networks = page.get_by_label("Networks")
    expect(networks).to_have_attribute("aria-invalid", "true")
    expect(networks).to_be_focused()
    described = networks.get_attribute("aria-describedby") or ""
    texts = [page.locator(f"#{one}").inner_text() for one in described.split()]
    assert any("'nowhere'" in text for text in texts)
    expect(page.get_by_label("Name")).to_have_value("wrong networks")


def test_a_key_is_changed(site: Site) -> None:
    page = site.page()
    text = make_key(page, "to change")
    open_key(page, "to change")
    page.get_by_role("textbox", name="Models").fill("other")
    page.get_by_label("generate — ").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("The key is changed")
    headers = {"Authorization": f"Bearer {text}"}
    deadline = 20
    while True:
        listed = httpx.get(f"{site.web.base_url}/v1/models", headers=headers).json()["data"]
        if [one["id"] for one in listed] == ["other"]:
            break
        page.wait_for_timeout(100)
        deadline -= 1
        assert deadline, listed


def test_limits_of_a_key_are_set_on_its_page_and_bind(site: Site) -> None:
    page = site.page()
    page.goto("/account/keys/new")
    page.get_by_label("Name").fill("with limits")
    first = page.get_by_role("group", name="Limit 1")
    first.get_by_label("Amount").fill("100000")
    page.get_by_role("button", name="Add another limit").click()
    second = page.get_by_role("group", name="Limit 2")
    expect(second.get_by_label("Amount")).to_be_focused()
    second.get_by_label("Amount").fill("1.5")
    second.get_by_label("Of what").select_option("requests")
    page.get_by_role("button", name="Make the key").click()
    expect(second.get_by_label("Amount")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Give a whole number")).to_be_visible()
    assert_looks_good(page, "key-limits-refused")
    second.get_by_label("Amount").fill("1")
    page.get_by_role("button", name="Make the key").click()
    text = page.locator("#secret").inner_text()
    assert [asked(site, text), asked(site, text)] == [200, 429]
    page.reload()
    expect(page.get_by_text("1 requests a day, per key")).to_be_visible()
    page.get_by_role("group", name="Limit 1").get_by_label("Remove this limit").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("The key is changed")
    expect(page.get_by_role("group", name="Limit 1").get_by_label("Amount")).to_have_value("100000")
    deadline = 20
    while asked(site, text) != 200:
        page.wait_for_timeout(100)
        deadline -= 1
        assert deadline, "the limit that was removed still binds"


def asked(site: Site, key: str) -> int:
    """Return the status of one request to `tiny` with that key."""
    body = {"model": "tiny", "prompt": "hi", "max_tokens": 2}
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(
        f"{site.web.base_url}/v1/completions", json=body, headers=headers, timeout=30
    ).status_code


def test_hostile_names_stay_text(site: Site) -> None:
    page = site.page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    make_key(page, HOSTILE)
    open_key(page, HOSTILE)
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    assert page.locator("main img, main script").count() == 0


def test_nobody_opens_or_ends_anothers_key(site: Site) -> None:
    make_key(site.page(), "of ada")
    (row,) = site.web.sql("SELECT id FROM accounts_apikey WHERE name = 'of ada'")
    page = site.page("eve")
    page.goto(f"/account/keys/{row['id']}")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.goto("/account/keys")
    for action in ("", "/rotate", "/revoke"):
        address = f"/account/keys/{row['id']}{action}"
        assert posted(page, address, grace="0", expires="never") == 404, action
    (after,) = site.web.sql("SELECT revoked_at FROM accounts_apikey WHERE id = ?", row["id"])
    assert after["revoked_at"] is None


def test_the_whole_way_goes_by_keyboard(site: Site) -> None:
    page = site.page()
    page.goto("/account/keys")
    page.get_by_role("link", name="Make a key").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").focus()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your new key")).to_be_visible()
    page.get_by_role("button", name="Copy").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()


def test_the_pages_look_good(site: Site) -> None:
    page = site.page()
    page.goto("/account/keys")
    assert_looks_good(page, "keys")
    page.goto("/account/keys?state=expired")
    page.goto("/account/keys/new")
    assert_looks_good(page, "key-new")
    make_key(page, "for a picture")
    assert_looks_good(page, "key-made")
    open_key(page, "for a picture")
    assert_looks_good(page, "key")
    site_page = site.page("eve")
    site_page.goto("/account/keys?state=revoked")
    assert_looks_good(site_page, "keys-empty")
