"""The default model, its real weights and the whole platform, as somebody meets them."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from inference.registry.catalog import DEFAULT_MODELS
from tests.browser.playground import Playground
from tests.browser.site import sign_in
from tests.browser.watched_page import watched_context
from tests.default_model import default_model_directory
from tests.platform_process import PlatformProcess

MODEL: Final = DEFAULT_MODELS[0]
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


@pytest.fixture
def serving(platform: PlatformProcess) -> Iterator[PlatformProcess]:
    """The shared platform while it serves the default model beside its own."""
    directory = default_model_directory()
    platform.await_ready()
    fields = {
        "name": MODEL.name,
        "source": f"path:{directory}",
        "context_length": MODEL.context_length,
        "default_temperature": MODEL.temperature,
    }
    with platform.client() as client:
        made = client.post("/api/v1/models", json=fields)
        assert made.status_code == 201, made.text
        platform.until(lambda: platform.replica(MODEL.name), "it is ready", READY_S)
        yield platform
        assert client.delete(f"/api/v1/models/{MODEL.name}").status_code == 204


def test_a_person_signs_in_and_chats_with_the_default_model(
    serving: PlatformProcess, browser: Browser
) -> None:
    window = watched_context(browser, serving.base_url)
    # Where signing in leads is another test's matter.
    window.expected.append("404")
    page = window.page()
    sign_in(page, "admin", serving.password)
    tab = Playground(page)
    tab.choose(MODEL.name)
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
