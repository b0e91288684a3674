"""Signing in and out with a browser."""

from playwright.sync_api import expect

from tests.browser.looks import assert_looks_good
from tests.browser.site import Site, sign_in


def test_the_sign_in_page_looks_good(site: Site) -> None:
    page = site.page(None)
    page.goto("/account/sign-in")
    assert_looks_good(page, "sign-in")


def test_a_wrong_password_is_told_and_the_name_stays(site: Site) -> None:
    page = site.page(None)
    sign_in(page, "ada", "not her password")
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    expect(page.get_by_label("User name")).to_have_value("ada")
    expect(page.get_by_label("Password")).to_have_value("")


def test_who_signs_out_is_signed_out(site: Site) -> None:
    page = site.page(None)
    sign_in(page, "ada")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    page.goto("/account/keys")
    expect(page).to_have_url(f"{site.web.base_url}/account/sign-in?next=/account/keys")


def test_a_page_behind_the_sign_in_is_come_back_to(site: Site) -> None:
    page = site.page(None)
    page.goto("/account/keys")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("lovelace-1815-engine")
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/keys")


def test_no_link_leads_elsewhere_after_signing_in(site: Site) -> None:
    page = site.page(None)
    page.goto("/account/sign-in?next=https://evil.example/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("lovelace-1815-engine")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.web.base_url}/account/keys")
