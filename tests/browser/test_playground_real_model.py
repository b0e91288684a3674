"""The default model, its real weights and the whole platform, as somebody meets them."""

import re
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
# How long the answer was whenever something of it was drawn.
NOTE_LENGTHS: Final = """
  lengths = new Set();
  new MutationObserver(() => {
    const answer = document.querySelector(".assistant .content");
    if (answer) lengths.add(answer.textContent.length);
  }).observe(messages, {subtree: true, childList: true, characterData: true});
"""


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
    page.get_by_label("Most tokens").fill("40")
    page.evaluate(NOTE_LENGTHS)
    tab.ask("What is the capital of France? Tell me about its history.")
    expect(tab.text).not_to_be_empty(timeout=LOADED_MS)
    expect(tab.answer).to_have_attribute("aria-busy", "false", timeout=LOADED_MS)
    assert "Paris" in tab.text.inner_text()
    assert len(page.evaluate("[...lengths]")) >= 4, "it came all at once"
    expect(tab.state).to_have_text(re.compile(r"[\d.]+ tokens/s · first after .+ tokens read"))
    window.context.close()
    window.assert_clean()
