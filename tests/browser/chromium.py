"""A real browser: Debian's Chromium, driven by Playwright, that nobody else uses.

Playwright's synchronous side keeps an event loop running in the thread of the tests, and no test
of pytest-asyncio can run beside it. So the browser lives as long as this folder's tests alone, and
all of them are synchronous.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.required_services import binary

# In containers its sandbox and its shared memory are not to be had.
_ARGUMENTS: Final = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run it while the block runs."""
    executable = binary("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=_ARGUMENTS, timeout=120_000
        )
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of this folder's tests."""
    with running_browser() as running:
        yield running
