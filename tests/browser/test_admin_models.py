"""The admin's pages of models, as people see them who run the platform."""

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_fits, photograph
from tests.browser.site import Site
from tests.live_web import LiveWeb

LIST: Final = "/admin/registry/model/"
SOURCE: Final = f"hub:sentence-transformers/all-MiniLM-L6-v2@{'0' * 40}"
# How much lighter one of an element's two colours is than the other (WCAG 2.2, 1.4.3).
CONTRAST: Final = """(shown) => {
  const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  let behind = shown;
  while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)")
    behind = behind.parentElement;
  const both = [getComputedStyle(shown).color, getComputedStyle(behind).backgroundColor].map(light);
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}"""


@pytest.fixture(scope="module", autouse=True)
def model(pages_web: LiveWeb) -> Iterator[None]:
    """A model whose row is among the widest."""
    fields = {
        "name": "mobilenet-v2",
        "source": SOURCE,
        "task": "image-classification",
        "enabled": False,
        "is_default": True,
    }
    rows = "from inference.registry.models import Model; Model.objects"
    pages_web.manage("shell", "-c", f"{rows}.create(**{fields!r})")
    yield
    pages_web.manage("shell", "-c", f"{rows}.filter(name='mobilenet-v2').delete()")


def opened(page: Page, name: str) -> Page:
    page.goto(f"{LIST}?q={name}")
    page.get_by_role("link", name=name, exact=True).click()
    return page


def test_every_column_of_the_list_is_seen_without_scrolling(site: Site) -> None:
    page = site.page("root")
    page.goto(f"{LIST}?q=mobilenet")
    expect(page.get_by_role("cell", name="image-classification (default)")).to_be_visible()
    table = page.locator("#changelist-form .results")
    assert table.evaluate("(one) => one.scrollWidth - one.clientWidth") <= 0
    photograph(page, "admin-models")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_state_can_be_read_on_light_and_on_dark(site: Site, scheme: str) -> None:
    page = site.page("root", color_scheme=scheme)
    page.goto(f"{LIST}?q=tiny")
    state = page.locator(".field-state b")
    for _ in ("in the list", "on its page"):
        expect(state).to_have_text("ready")
        assert state.evaluate(CONTRAST) >= 4.5
        opened(page, "tiny")
    photograph(page, f"admin-model-{scheme}")


def test_a_source_is_seen_in_full(site: Site) -> None:
    page = opened(site.page("root"), "mobilenet-v2")
    source = page.get_by_label("Source:")
    expect(source).to_have_value(SOURCE)
    assert source.evaluate("(one) => one.scrollWidth - one.clientWidth") <= 0


def test_what_is_to_be_typed_is_shown_as_code(site: Site) -> None:
    page = opened(site.page("root"), "mobilenet-v2")
    expect(page.locator(".field-device code")).to_have_text(["cpu", "cuda", "cuda:N", "auto"])
    expect(page.locator(".field-name code")).to_have_text("model")
    assert "`" not in page.locator("#content").inner_text()


def test_the_form_fits_a_phone(site: Site) -> None:
    page = opened(site.page("root", viewport={"width": 390, "height": 844}), "mobilenet-v2")
    assert_fits(page)
