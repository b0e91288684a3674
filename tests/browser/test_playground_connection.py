"""Connections that drop: no token of an answer is lost or doubled, whoever waits does nothing."""

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import expect

from tests.browser.cut_wire import Wire, wire_to
from tests.browser.playground import QUESTION, Playground
from tests.browser.site import Site, sign_in
from tests.live_web import CannedRunnerProcess, LiveWeb

WORDS: Final = 60


@pytest.fixture(scope="module")
def stamped(pages_web: LiveWeb) -> Iterator[str]:
    """A model of which no two words are the same, for some seconds."""
    model = pages_web.stage()
    with CannedRunnerProcess(pages_web, model, WORDS, interval_ms=30, stamped=True).running():
        yield model


@pytest.fixture
def wire(pages_web: LiveWeb) -> Iterator[Wire]:
    with wire_to(pages_web.port) as laid:
        yield laid


def answered(web: LiveWeb, model: str) -> list[str]:
    """Return the words of the last answer, as the platform stored them."""
    row = last_row(web, model)
    assert row["status"] == "completed", row["status"]
    body = web.body(row["id"])
    assert body
    words: list[str] = body["completion"].split()
    return words


def last_row(web: LiveWeb, model: str) -> dict[str, Any]:
    return web.rows("model_name = ?", model)[-1]


def test_an_answer_goes_on_after_each_cut_without_losing_a_token(
    site: Site, wire: Wire, stamped: str
) -> None:
    tab = Playground(site.page(), f"{wire.base_url}/playground")
    tab.choose(stamped)
    tab.ask("Count")
    for tokens in (3, 15, 30):
        tab.await_tokens(tokens)
        wire.cut()
        expect(tab.page.locator("#connection")).to_have_text("Connected")
    shown = tab.await_end().split()
    assert len(shown) == WORDS
    assert shown == answered(site.web, stamped)


def test_a_reloaded_page_takes_up_the_answer_that_it_waited_for(site: Site, stamped: str) -> None:
    tab = Playground(site.page())
    tab.choose(stamped)
    tab.ask("Count")
    tab.await_tokens(5)
    tab.page.reload()
    shown = tab.await_end().split()
    assert len(shown) == WORDS
    assert shown == answered(site.web, stamped)


def test_a_browser_that_is_offline_for_a_while_misses_nothing(site: Site, stamped: str) -> None:
    window = site.window("ada")
    window.expected += ["ERR_INTERNET_DISCONNECTED", "WebSocket connection to"]
    tab = Playground(window.page())
    tab.choose(stamped)
    tab.ask("Count")
    tab.await_tokens(5)
    window.context.set_offline(True)
    tab.page.wait_for_timeout(500)  # how long it is away, not how long something takes
    window.context.set_offline(False)
    assert tab.await_end().split() == answered(site.web, stamped)


def test_stopping_while_the_connection_is_lost_stops_it_afterwards(
    site: Site, wire: Wire, endless: str
) -> None:
    tab = Playground(site.page(), f"{wire.base_url}/playground")
    tab.choose(endless)
    tab.ask("Count")
    tab.await_tokens(3)
    wire.cut()
    tab.page.keyboard.press("Escape")
    expect(tab.state).to_contain_text("Stopped")
    deadline = time.monotonic() + 30
    while last_row(site.web, endless)["status"] != "cancelled":
        assert time.monotonic() < deadline, "it went on"
        time.sleep(0.05)  # between two looks


def test_two_tabs_answer_at_once_and_share_their_conversations(site: Site, stamped: str) -> None:
    window = site.window("ada")
    one, other = Playground(window.page()), Playground(window.page())
    for tab, question in ((one, "Of the first tab"), (other, "Of the second tab")):
        tab.choose(stamped)
        tab.ask(question)
    words = [tab.await_end().split() for tab in (one, other)]
    assert [len(said) for said in words] == [WORDS, WORDS]
    assert words[0] != words[1]
    one.page.get_by_role("button", name="Of the second tab", exact=True).click()
    assert one.text.inner_text().split() == words[1]


def test_two_tabs_that_go_on_with_one_conversation_lose_no_message(site: Site) -> None:
    window = site.window("ada")
    one, other = Playground(window.page()), Playground(window.page())
    one.ask("Begun in one")
    one.await_end()
    other.page.get_by_role("button", name="Begun in one", exact=True).click()
    other.ask("Gone on in the other")
    other.await_end()
    one.ask("Gone on in the first again")
    one.await_end()
    (kept,) = one.stored()
    said = {message["content"] for message in kept["messages"].values()}
    assert said >= {"Begun in one", "Gone on in the other", "Gone on in the first again"}
    assert len(kept["messages"]) == 6


def test_who_was_signed_out_is_told_and_keeps_what_was_written(site: Site) -> None:
    window = site.window(None)
    page = window.page()
    sign_in(page, "eve")
    window.expected += ["401 (Unauthorized)"]
    tab = Playground(page)
    tab.page.get_by_label(QUESTION).fill("Not sent yet")
    end_sessions(site.web)
    expect(tab.page.locator("#connection")).to_have_text("Signed out")
    expect(tab.page.get_by_label(QUESTION)).to_have_value("Not sent yet")


def end_sessions(web: LiveWeb) -> None:
    """Sign everybody out but those whose cookies other tests share."""
    newest = "SELECT session_key FROM accounts_session ORDER BY expire_date DESC LIMIT 1"
    web.sql(f"DELETE FROM accounts_session WHERE session_key IN ({newest})")
