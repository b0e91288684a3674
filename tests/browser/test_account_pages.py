"""Signing up, changing the password, and ending sessions elsewhere."""

import uuid

from playwright.sync_api import Page, expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import PASSWORD, Site, posted, sign_in

NEW_PASSWORD = "analytical-engine-1843"


def sign_up(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/account/sign-up")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Make the account").click()


def newcomer(page: Page) -> str:
    """Sign up as somebody whom no other test knows; return the name."""
    name = f"new-{uuid.uuid4().hex[:8]}"
    sign_up(page, name)
    expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    return name


def test_a_stranger_signs_up_and_makes_a_key(site: Site) -> None:
    page = site.page(None)
    newcomer(page)
    expect(page.get_by_text("No key yet")).to_be_visible()
    assert_looks_good(page, "keys-none-yet")
    page.get_by_role("link", name="Make the first one").click()
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="Your new key")).to_be_visible()


def test_what_a_sign_up_lacks_is_told_at_the_fields(site: Site) -> None:
    page = site.page(None)
    sign_up(page, "ADA", "short")
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    assert_looks_good(page, "sign-up-refused")
    sign_up(page, "ADA")
    expect(page.get_by_text("This name is taken")).to_be_visible()


def test_a_new_password_signs_out_everywhere_else(site: Site) -> None:
    here, elsewhere = site.page(None), site.page(None)
    name = newcomer(here)
    sign_in(elsewhere, name)
    here.goto("/account/security")
    assert_looks_good(here, "security")
    here.get_by_label("Password so far").fill(PASSWORD)
    here.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    here.get_by_label("New password again").fill(NEW_PASSWORD)
    here.get_by_role("button", name="Change the password").click()
    expect(here.get_by_role("status")).to_contain_text("The password is changed")
    elsewhere.goto("/account/keys")
    expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(elsewhere, name, NEW_PASSWORD)
    expect(elsewhere.get_by_role("heading", name="API keys")).to_be_visible()


def test_a_wrong_password_so_far_changes_nothing(site: Site) -> None:
    page = site.page(None)
    name = newcomer(page)
    page.goto("/account/security")
    page.get_by_label("Password so far").fill("not it")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_label("Password so far")).to_have_attribute("aria-invalid", "true")
    other = site.page(None)
    sign_in(other, name)
    expect(other.get_by_role("heading", name="API keys")).to_be_visible()


def test_one_session_ends_another_and_nobody_elses(site: Site) -> None:
    here, elsewhere, evil = site.page(None), site.page(None), site.page("eve")
    name = newcomer(here)
    sign_in(elsewhere, name)
    here.goto("/account/security")
    rows = here.get_by_role("row")
    expect(rows).to_have_count(3)  # and the head
    handle = here.locator("td.actions [name=session]").first.input_value()
    evil.goto("/account/security")
    posted(evil, "/account/security/sessions", session=handle)
    elsewhere.goto("/account/keys")
    expect(elsewhere.get_by_role("heading", name="API keys")).to_be_visible()
    here.get_by_role("button", name="End the session from").click()
    expect(here.get_by_role("row")).to_have_count(2)
    elsewhere.goto("/account/keys")
    expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible()
