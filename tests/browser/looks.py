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
# WCAG 2.2 A and AA, and what axe recommends beside.
_OPTIONS: Final = {"resultTypes": ["violations"]}
_SERIOUS: Final = ("serious", "critical")


def assert_accessible(page: Page) -> None:
    """Fail where axe finds anything serious."""
    # Run by the debugger's protocol, which the page's policy does not bind.
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(document, options)", _OPTIONS)
    assert [_told(one) for one in found["violations"] if one["impact"] in _SERIOUS] == []


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the whole page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True, animations="disabled")


def assert_fits(page: Page) -> None:
    """Fail where the page is wider than its window."""
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, f"{page.url} is {wider} px wider than the window"


def assert_looks_good(page: Page, name: str) -> None:
    """Photograph the page, light on a desk and dark on a phone; it fits and is accessible."""
    looks: tuple[tuple[str, dict[str, int], Literal["light", "dark"]], ...] = (
        ("desktop-light", DESKTOP, "light"),
        ("phone-dark", PHONE, "dark"),
    )
    for look, size, scheme in looks:
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        photograph(page, f"{name}-{look}")
        assert_fits(page)
        assert_accessible(page)
    page.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})


def _told(violation: dict[str, Any]) -> tuple[str, list[str]]:
    return violation["id"], [node["html"][:200] for node in violation["nodes"]]
