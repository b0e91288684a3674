"""A platform with pages and a person who signs in to them."""

from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.browser.watched_page import WatchedContext, watched_context
from tests.live_web import LiveWeb

PASSWORD: Final = "lovelace-1815-engine"


@dataclass
class Site:
    """One web with its static files, and the windows that are open on it."""

    web: LiveWeb
    browser: Browser
    windows: list[WatchedContext]
    signed_in: dict[str, Any]  # by name: a browser's cookies

    def window(self, name: str | None = None, **options: Any) -> WatchedContext:
        """Open a window; `name` is signed in there."""
        if name is not None:
            options["storage_state"] = self._cookies_of(name)
        window = watched_context(self.browser, self.web.base_url, **options)
        self.windows.append(window)
        return window

    def page(self, name: str | None = "ada", **options: Any) -> Page:
        """Open a page in a window of its own."""
        return self.window(name, **options).page()

    def close(self) -> None:
        """Close every window. Nothing on any of their pages may have gone wrong."""
        for window in self.windows:
            window.context.close()
        self.assert_clean()

    def assert_clean(self) -> None:
        """Fail where a page complained so far."""
        for window in self.windows:
            window.assert_clean()

    def _cookies_of(self, name: str) -> Any:
        if name not in self.signed_in:
            window = watched_context(self.browser, self.web.base_url)
            sign_in(window.page(), name)
            window.assert_clean()
            self.signed_in[name] = window.context.storage_state()
            window.context.close()
        return self.signed_in[name]


def posted(page: Page, address: str, **fields: str) -> int:
    """Send a form of the page's own person to any address, as a hostile one would; its status."""
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    answer = page.context.request.post(
        address,
        form={"csrfmiddlewaretoken": token, **fields},
        headers={"Referer": page.url},
    )
    return answer.status


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Sign in as a person does; where it succeeds the page after it is loaded."""
    page.goto("/account/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()


def set_up_pages(web: LiveWeb, *names: str) -> None:
    """Collect the static files and give people a password."""
    statements = (
        "from django.core.management import call_command",
        "call_command('collectstatic', interactive=False, verbosity=0)",
        "from accounts.models import User",
        f"people = list(User.objects.filter(username__in={names!r}))",
        f"[one.set_password({PASSWORD!r}) for one in people]",
        "[one.save() for one in people]",
    )
    web.manage("shell", "-c", "\n".join(statements))
