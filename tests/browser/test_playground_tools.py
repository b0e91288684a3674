"""What the playground has beside the chat, where a model for it is registered."""

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Page, expect

from tests.browser.looks import assert_looks_good
from tests.browser.modules import Modules
from tests.browser.playground import Playground
from tests.browser.site import Site
from tests.live_web import LiveWeb


@contextlib.contextmanager
def registered(web: LiveWeb, task: str) -> Iterator[str]:
    """Register a model of that task, which nothing serves, while the block runs."""
    model = web.stage()
    web.sql("UPDATE registry_model SET task = ? WHERE name = ?", task, model)
    try:
        yield model
    finally:
        web.sql("UPDATE registry_model SET task = 'chat' WHERE name = ?", model)


def tool(page: Page, name: str) -> None:
    """Go to one of the tabs."""
    page.get_by_role("tab", name=name).click()


def test_only_what_a_model_can_do_is_offered(site: Site) -> None:
    page = Playground(site.page()).page
    expect(page.locator("#model option")).not_to_have_count(0)
    expect(page.get_by_role("tab")).to_have_text(["Chat", "Compare"])


def test_similarity_is_offered_where_a_model_embeds(site: Site) -> None:
    window = site.window("ada")
    window.expected.append("503 (Service Unavailable)")
    with registered(site.web, "embeddings") as model:
        page = Playground(window.page()).page
        tool(page, "Similarity")
        panel = page.locator("#panel-embeddings")
        expect(panel.get_by_label("Model")).to_have_value(model)
        texts = panel.get_by_label("Texts to compare, one a line")
        texts.fill("only one")
        panel.get_by_role("button", name="Compare").click()
        expect(panel.get_by_role("alert")).to_have_text("Write 2 to 12 texts, one a line.")
        texts.fill("one\ntwo")
        panel.get_by_role("button", name="Compare").click()
        expect(panel.get_by_role("alert")).to_contain_text(f"No replica of {model} is ready")
        assert_looks_good(page, "playground-similarity")


def test_images_are_offered_where_a_model_looks_at_them(site: Site) -> None:
    with registered(site.web, "image-classification") as model:
        page = Playground(site.page()).page
        tool(page, "Images")
        panel = page.locator("#panel-images")
        expect(panel.get_by_label("Model")).to_have_value(model)
        expect(panel.get_by_label("Choose an image, or drop one here")).to_be_visible()
        assert_looks_good(page, "playground-images")


def test_similarity_is_the_cosine_of_the_angle(site: Site) -> None:
    values = Modules(site).run(
        {"similarity": "similarity.js"},
        "return given.map(([one, other]) => similarity.cosine(one, other))",
        [[[1, 0], [2, 0]], [[1, 0], [0, 3]], [[1, 1], [-1, -1]], [[0, 0], [1, 1]]],
    )
    assert [round(value, 12) for value in values] == [1, 0, -1, 0]
