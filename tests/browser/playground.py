"""The playground as a person uses it."""

import re
from typing import Any, Final

from playwright.sync_api import Locator, Page, expect

QUESTION: Final = "Your question"
ENDLESS_TOKENS: Final = 1500  # of the model `endless`


class Playground:
    """One tab with the playground in it."""

    def __init__(self, page: Page, address: str = "/playground") -> None:
        self.page = page
        page.goto(address)
        expect(page.locator("#connection")).to_have_text("Connected")

    def choose(self, model: str) -> None:
        """Let this model answer from now on."""
        self.page.locator("#model").select_option(model)

    def ask(self, text: str) -> None:
        """Ask, with the keyboard."""
        self.page.get_by_label(QUESTION).fill(text)
        self.page.get_by_label(QUESTION).press("Enter")

    @property
    def answer(self) -> Locator:
        """The last answer."""
        return self.page.locator("#messages .message.assistant").last

    @property
    def text(self) -> Locator:
        """What the last answer says."""
        return self.answer.locator(".content")

    @property
    def state(self) -> Locator:
        """The line below the last answer."""
        return self.answer.locator(".state")

    def await_end(self) -> str:
        """Wait until the last answer is over; return what it says."""
        expect(self.answer).to_have_attribute("aria-busy", "false")
        return self.text.inner_text()

    def await_tokens(self, at_least: int) -> None:
        """Wait until the last answer shows that it has so many tokens, or more."""
        expect(self.text).to_have_text(re.compile(rf"(\S+\s+){{{at_least},}}"))

    def stored(self) -> list[dict[str, Any]]:
        """Return the conversations that the browser keeps."""
        found: list[dict[str, Any]] = self.page.evaluate(
            "Object.keys(localStorage).filter((key) => key.includes('.conversation.'))"
            ".map((key) => JSON.parse(localStorage[key]))"
        )
        return found
