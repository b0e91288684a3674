"""The default model, its real weights and the whole platform, as somebody meets them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.playground import Playground
from tests.browser.site import PASSWORD, sign_in
from tests.browser.watched_page import watched_context
from tests.default_model import default_model_directory
from tests.platform_process import PlatformProcess, installation

# Two cores load and compute it while other tests do other things.
READY_S: Final = 360
LOADED_MS: Final = 120_000


@pytest.fixture(scope="module")
def platform() -> Iterator[PlatformProcess]:
    models = default_model_directory().parent
    environment = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    with (
        tempfile.TemporaryDirectory(prefix="aip-") as folder,
        installation(Path(folder), models_dir=models, environment=environment) as one,
    ):
        one.start()
        one.until(one.ready, "ready", READY_S)
        yield one


def test_a_person_signs_in_and_chats_with_the_default_model(
    platform: PlatformProcess, browser: Browser
) -> None:
    window = watched_context(browser, platform.base_url)
    # Where signing in leads is another test's matter.
    window.expected.append("404")
    page = window.page()
    sign_in(page, "admin")
    tab = Playground(page)
    expect(page.locator("#model")).to_have_value("smollm2-135m-instruct")
    page.get_by_label("Most tokens").fill("32")
    tab.ask("Name the capital of France, and tell me three things about it.")
    expect(tab.text).not_to_be_empty(timeout=LOADED_MS)
    expect(tab.answer).to_have_attribute("aria-busy", "true")  # shown before it was all there
    expect(tab.answer).to_have_attribute("aria-busy", "false", timeout=LOADED_MS)
    assert "Paris" in tab.text.inner_text()
    expect(tab.state).to_contain_text("32 tokens")
    expect(tab.state).to_contain_text("cut at the most tokens")
    window.context.close()
    window.assert_clean()
