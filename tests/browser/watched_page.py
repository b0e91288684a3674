"""A page whose every complaint is noted: nothing may be refused, missing or thrown in silence."""

from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

WAIT_MS: Final = 30_000  # this machine may be busy with other things
DESKTOP: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}

_TELL_VIOLATIONS: Final = """
addEventListener("securitypolicyviolation", (event) => console.error(
  `CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class WatchedContext:
    """A browser window of its own, with cookies of its own, and what went wrong in it."""

    context: BrowserContext
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)  # parts of complaints that a test provokes

    def page(self) -> Page:
        """Return a new page."""
        page = self.context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda message: self._console(page, message))
        page.on("pageerror", lambda error: self.problems.append(f"thrown: {error}"))
        page.on("requestfailed", self._failed)
        return page

    def assert_clean(self) -> None:
        """Fail where a page complained of anything that the test did not expect."""
        unexpected = [
            problem
            for problem in self.problems
            if not any(part in problem for part in self.expected)
        ]
        assert unexpected == [], "\n".join(unexpected)

    def _console(self, page: Page, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        # A page that itself answers 400 with a form is no missing resource.
        is_page = message.location["url"] == page.url
        if not (is_page and message.text.startswith("Failed to load resource")):
            self.problems.append(f"console: {message.text} ({message.location['url']})")

    def _failed(self, request: Request) -> None:
        # Whoever leaves a page ends what it still waits for.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.url} {request.failure}")


def watched_context(browser: Browser, base_url: str, **options: Any) -> WatchedContext:
    """Open a window. `options` are those of Playwright's `new_context`."""
    settings = {"viewport": DESKTOP, "locale": "en-GB", "timezone_id": "UTC", **options}
    context = browser.new_context(base_url=base_url, **settings)
    context.add_init_script(_TELL_VIOLATIONS)
    return WatchedContext(context)


def phone(**options: Any) -> dict[str, Any]:
    """Return the options of a phone's window."""
    return {"viewport": PHONE, "is_mobile": True, "has_touch": True, **options}
