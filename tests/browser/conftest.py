"""Fixtures of the tests that use a real browser. All of them are synchronous (chromium.py)."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import browser
from tests.browser.modules import Modules
from tests.browser.playground import ENDLESS_TOKENS
from tests.browser.site import Site, set_up_pages
from tests.browser.watched_page import WAIT_MS
from tests.jobs.working_web import Worker
from tests.live_web import CannedRunnerProcess, LiveWeb, StartWeb

__all__ = ["browser"]

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="package")
def pages_web(start_web: StartWeb) -> Iterator[LiveWeb]:
    """A web with static files, where ada, eve and root can sign in; `tiny` answers five words."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.browser.quick_settings",
        "SIGN_UP_ENABLED": "true",
        "WEBHOOKS_ALLOW_PRIVATE": "true",
        "WEBHOOKS_ALLOW_HTTP": "true",
    }
    with start_web(started=False, **settings) as web:
        set_up_pages(web, "ada", "eve", "root")  # the web looks at its static files as it starts
        with web.running(), CannedRunnerProcess(web).running():
            yield web


@pytest.fixture(scope="package")
def working(pages_web: LiveWeb) -> Iterator[LiveWeb]:
    """The same web with a worker, and with `other`, which takes its time."""
    slow = CannedRunnerProcess(pages_web, model="other", tokens=120, interval_ms=1000)
    with slow.running(), Worker(pages_web).running():
        yield pages_web


@pytest.fixture(scope="package")
def endless(pages_web: LiveWeb) -> Iterator[str]:
    """A model that goes on for minutes, a word every 50 ms."""
    model = pages_web.stage()
    with CannedRunnerProcess(pages_web, model, ENDLESS_TOKENS, interval_ms=50).running():
        yield model


@pytest.fixture(scope="package")
def _cookies() -> dict[str, object]:
    """Who is signed in already, so that hashing passwords does not take most of the time."""
    return {}


@pytest.fixture
def site(pages_web: LiveWeb, browser: Browser, _cookies: dict[str, object]) -> Iterator[Site]:
    """The pages as a browser sees them; the test fails where any of them complained."""
    site = Site(pages_web, browser, [], _cookies)
    yield site
    site.close()


@pytest.fixture(scope="package")
def _modules(pages_web: LiveWeb, browser: Browser) -> Iterator[tuple[Modules, Site]]:
    site = Site(pages_web, browser, [], {})
    yield Modules(site), site
    site.close()


@pytest.fixture
def modules(_modules: tuple[Modules, Site]) -> Iterator[Modules]:
    """The playground's modules by themselves."""
    modules, site = _modules
    yield modules
    site.assert_clean()
