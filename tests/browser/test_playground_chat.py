"""Chatting in the playground: tokens as they are made, stopping, branches, what is kept."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.playground import ENDLESS_TOKENS, QUESTION, Playground
from tests.browser.site import Site
from tests.live_web import CannedRunnerProcess, LiveWeb


def test_an_answer_grows_while_it_is_made_and_can_be_stopped(site: Site, endless: str) -> None:
    tab = Playground(site.page())
    tab.choose(endless)
    tab.ask("Count")
    tab.await_tokens(1)
    expect(tab.state).to_contain_text("tokens/s")
    early = len(tab.text.inner_text().split())
    tab.await_tokens(early + 5)
    assert len(tab.text.inner_text().split()) < ENDLESS_TOKENS / 2, "all at once"
    tab.page.keyboard.press("Escape")
    expect(tab.state).to_contain_text("Stopped")
    row = site.web.rows("model_name = ?", endless)[-1]
    assert row["status"] == "cancelled"
    expect(tab.page.get_by_label(QUESTION)).to_be_focused()


def test_figures_of_the_platform_stand_below_a_finished_answer(site: Site) -> None:
    tab = Playground(site.page())
    tab.ask("Hello")
    assert tab.await_end() == "word word word word word"
    expect(tab.state).to_have_text(re.compile(r"first after .+ · 5 tokens · \d+ tokens read"))


def test_a_finished_answer_is_announced_once_and_no_single_token(site: Site) -> None:
    tab = Playground(site.page())
    tab.page.evaluate(
        "said = []; new MutationObserver(() => said.push(announcer.textContent))"
        ".observe(announcer, {childList: true})"
    )
    tab.ask("Hello")
    tab.await_end()
    assert tab.page.evaluate("said") == ["tiny answered: word word word word word "]


def test_editing_and_regenerating_make_branches(site: Site) -> None:
    tab = Playground(site.page())
    tab.ask("First question")
    tab.await_end()
    tab.answer.get_by_role("button", name="Regenerate").click()
    expect(tab.answer).to_contain_text("2 / 2")
    tab.await_end()
    tab.page.get_by_role("button", name="Edit").click()
    field = tab.page.get_by_label("Edit the question")
    expect(field).to_be_focused()
    field.fill("Second question")
    field.press("Control+Enter")
    tab.await_end()
    question = tab.page.locator(".message.user")
    expect(question).to_contain_text("Second question")
    question.get_by_role("button", name="Previous version").click()
    expect(question).to_contain_text("First question")
    expect(tab.answer).to_contain_text("2 / 2")
    (kept,) = tab.stored()
    assert (
        sorted(one["role"] for one in kept["messages"].values()) == ["assistant"] * 3 + ["user"] * 2
    )
    prompts = [json.loads(row["prompt"]) for row in bodies(site.web)]
    assert [one["content"] for one in prompts[-1]] == ["Second question"]


def test_parameters_and_the_system_prompt_are_sent(site: Site) -> None:
    tab = Playground(site.page())
    tab.page.get_by_label("System prompt").fill("Be brief.")
    tab.page.get_by_label("Most tokens").fill("2")
    tab.page.get_by_label("Temperature").fill("9")
    tab.ask("Hello")
    expect(tab.page.get_by_label("Temperature")).to_be_focused()
    expect(tab.page.locator("#temperature-error")).to_be_visible()
    tab.page.get_by_label("Temperature").fill("0.5")
    tab.ask("Hello")
    assert tab.await_end() == "word word"
    expect(tab.state).to_contain_text("cut at the most tokens")
    (prompt,) = [json.loads(row["prompt"]) for row in bodies(site.web)[-1:]]
    assert [one["role"] for one in prompt] == ["system", "user"]
    tab.page.reload()
    expect(tab.page.get_by_label("System prompt")).to_have_value("Be brief.")


def test_conversations_outlive_the_page_and_travel_in_a_file(site: Site, tmp_path: Path) -> None:
    tab = Playground(site.page())
    tab.ask("Remember this")
    tab.await_end()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Export").click()
    file = tmp_path / "conversations.json"
    download.value.save_as(file)
    other = Playground(site.page("eve"))
    other.page.locator("#import-file").set_input_files(file)
    expect(other.page.get_by_role("alert")).to_contain_text("1 imported")
    other.page.get_by_role("button", name="Remember this", exact=True).click()
    expect(other.text).to_have_text("word word word word word")
    other.page.locator("#import-file").set_input_files(
        {"name": "no.json", "mimeType": "application/json", "buffer": b'{"format": 1}'}
    )
    expect(other.page.get_by_role("alert")).to_contain_text("no file that the playground exported")
    tab.page.reload()
    tab.page.get_by_role("button", name="Remember this", exact=True).click()
    expect(tab.text).to_have_text("word word word word word")


def test_two_people_at_one_browser_see_their_own(site: Site) -> None:
    window = site.window("ada")
    tab = Playground(window.page())
    tab.ask("A secret of ada's")
    tab.await_end()
    window.context.clear_cookies()
    window.context.add_cookies(site._cookies_of("eve")["cookies"])
    tab.page.reload()
    expect(tab.page.get_by_text("What you ask is kept in this browser.")).to_be_visible()


def test_what_is_hostile_stays_text(site: Site, pages_web: LiveWeb) -> None:
    hostile = '<img src=x onerror="alert(1)">[a](javascript:alert(1))<script>alert(1)</script>'
    model = pages_web.stage()
    page = site.page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    with CannedRunnerProcess(pages_web, model, 2, word=hostile).running():
        tab = Playground(page)
        tab.choose(model)
        tab.ask(hostile)
        assert tab.await_end() == f"{hostile} {hostile}"
    expect(page.locator(".message.user .content")).to_have_text(hostile)
    expect(page.locator("#messages :is(img, script, a)")).to_have_count(0)
    expect(page.locator("#conversations img")).to_have_count(0)
    page.evaluate(
        "([name, html]) => { const list = document.getElementById('model');"
        " list.add(new Option(html, html)); list.value = html; }",
        ["model", hostile],
    )
    tab.ask("Who are you?")
    expect(tab.state).to_contain_text("There is no model")
    expect(tab.answer.locator(".author")).to_have_text(hostile)
    expect(page.locator("#messages :is(img, script, a)")).to_have_count(0)


def test_a_refusal_says_why_and_can_be_tried_again(site: Site) -> None:
    tab = Playground(site.page())
    tab.choose("asleep")
    tab.ask("Hello")
    expect(tab.state).to_contain_text("No replica of asleep is ready")
    tab.choose("tiny")
    tab.answer.get_by_role("button", name="Regenerate").click()
    assert tab.await_end() == "word word word word word"


def test_two_models_answer_side_by_side(site: Site, endless: str) -> None:
    page = Playground(site.page()).page
    page.get_by_role("tab", name="Chat").press("ArrowRight")
    page.get_by_role("combobox", name="Model 2").select_option(endless)
    page.get_by_label("A question to both models").fill("Hello")
    page.keyboard.press("Enter")
    first, second = (page.locator("[data-part=side]").nth(at) for at in (0, 1))
    expect(first.locator(".assistant")).to_have_attribute("aria-busy", "false")
    expect(first.locator(".assistant .content")).to_have_text("word word word word word")
    expect(second.locator(".assistant .content")).to_have_text(re.compile("(word *){6,}"))
    page.locator("#compare-composer").get_by_role("button", name="Stop").click()
    expect(second.locator(".assistant .state")).to_contain_text("Stopped")


def bodies(web: LiveWeb) -> list[dict[str, str]]:
    """Return what is stored of the texts of all requests, oldest first."""
    return web.sql("SELECT * FROM gateway_requestbody ORDER BY request_id")
