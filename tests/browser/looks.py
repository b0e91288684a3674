"""What a page looks like, kept as pictures, and whether everybody can use it (axe-core)."""

import os
from pathlib import Path
from typing import Any, Final, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.watched_page import DESKTOP, PHONE

FOLDER: Final = Path(
    os.environ.get("SCREENSHOTS_DIR") or Path(__file__).resolve().parents[2] / "var" / "screenshots"
)
Scheme = Literal["light", "dark"]
# WCAG 2.2 A and AA, and what axe recommends beside.
_EVERYTHING: Final[dict[str, Any]] = {"resultTypes": ["violations"]}
# What the scheme decides; everything else is the same in both.
_COLOURS: Final[dict[str, Any]] = {
    **_EVERYTHING,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
# What it finds is large: only what is told comes out of the page.
_SERIOUS: Final = """async (options) => (await axe.run(document, options)).violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 200))])"""


def assert_accessible(page: Page, options: dict[str, Any] = _EVERYTHING) -> None:
    """Fail where axe finds anything serious."""
    # Run by the debugger's protocol, which the page's policy does not bind.
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    assert page.evaluate(_SERIOUS, options) == []


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the whole page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Colours that are still on their way to the other scheme's would be measured in between.
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True, animations="disabled")


def assert_fits(page: Page) -> None:
    """Fail where the page is wider than its window."""
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, f"{page.url} is {wider} px wider than the window"


def assert_looks_good(page: Page, name: str) -> None:
    """Photograph the page on a desk and on a phone, light and dark; it fits and is accessible."""
    looks: tuple[tuple[str, dict[str, int], Scheme, dict[str, Any]], ...] = (
        ("desktop-light", DESKTOP, "light", _EVERYTHING),
        ("desktop-dark", DESKTOP, "dark", _COLOURS),
        ("phone-dark", PHONE, "dark", _EVERYTHING),
        ("phone-light", PHONE, "light", _COLOURS),
    )
    for look, size, scheme, options in looks:
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        photograph(page, f"{name}-{look}")
        assert_fits(page)
        assert_accessible(page, options)
    page.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})
