"""What the playground looks like, and whether everybody can use it."""

from playwright.sync_api import expect

from tests.browser.looks import assert_accessible, assert_looks_good, photograph
from tests.browser.playground import QUESTION, Playground
from tests.browser.site import Site
from tests.browser.watched_page import phone
from tests.live_web import CannedRunnerProcess, LiveWeb

MARKDOWN = """## Lists in Python

A *list* holds values **in order**, and `append` adds one:

```python
colours = ["red", "green"]
colours.append("blue")
print(colours[-1])  # a line that is long enough to be wider than the window of any telephone
```

1. It can grow.
2. It can hold anything:
   - numbers
   - other lists

| Operation | Cost |
|:--|--:|
| `append` | O(1) |
| `insert` | O(n) |

> See https://docs.python.org/3/tutorial/datastructures.html for more.

"""


def test_every_part_looks_good_and_is_accessible(site: Site, pages_web: LiveWeb) -> None:
    model = pages_web.stage()
    with CannedRunnerProcess(pages_web, model, 1, word=MARKDOWN).running():
        tab = Playground(site.page())
        page = tab.page
        expect(page.locator("#model option")).not_to_have_count(0)
        assert_looks_good(page, "playground-welcome")
        page.set_viewport_size({"width": 1440, "height": 900})
        tab.choose(model)
        tab.ask("What is a list in Python?")
        tab.await_end()
        assert_looks_good(page, "playground-answer")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.get_by_role("button", name="Code", exact=True).click()
        photograph(page, "playground-code")
        assert_accessible(page)
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Keys", exact=True).click()
        assert_accessible(page)
        page.keyboard.press("Escape")
        page.get_by_role("tab", name="Compare").click()
        page.get_by_role("combobox", name="Model 2").select_option(model)
        page.get_by_label("A question to both models").fill("Hello")
        page.keyboard.press("Enter")
        expect(page.locator("#panel-compare .assistant[aria-busy=false]")).to_have_count(2)
        assert_looks_good(page, "playground-compare")


def test_a_phone_has_everything_within_reach(site: Site) -> None:
    tab = Playground(site.page(**phone()))
    page = tab.page
    tab.ask("Hello")
    tab.await_end()
    parameters = page.get_by_role("button", name="Model and parameters")
    parameters.tap()
    expect(page.get_by_label("Temperature")).to_be_visible()
    page.wait_for_timeout(300)  # it slides in
    photograph(page, "playground-phone-parameters")
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_label("Temperature")).to_be_hidden()
    expect(parameters).to_be_focused()
    page.get_by_role("button", name="Conversations").tap()
    page.wait_for_timeout(300)
    photograph(page, "playground-phone-conversations")
    page.get_by_role("button", name="New conversation").tap()
    expect(page.get_by_label(QUESTION)).to_be_focused()
    expect(page.get_by_role("button", name="New conversation")).to_be_hidden()


def test_everything_can_be_done_with_the_keyboard(site: Site) -> None:
    tab = Playground(site.page())
    page = tab.page
    page.keyboard.type("Typed at once")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("on two lines")
    page.keyboard.press("Enter")
    tab.await_end()
    expect(page.locator(".message.user .content")).to_have_text("Typed at once\non two lines")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Edit the question")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+Shift+R")
    expect(tab.answer).to_contain_text("2 / 2")
    page.keyboard.press("Alt+Shift+C")
    expect(page.get_by_role("dialog", name="As code")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+Shift+N")
    expect(page.get_by_role("heading", name="Ask a model something")).to_be_visible()
    expect(page.get_by_label(QUESTION)).to_be_focused()
