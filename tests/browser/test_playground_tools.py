"""What the playground has beside the chat, where a model for it is registered."""

import base64
import contextlib
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_looks_good
from tests.browser.modules import Modules
from tests.browser.playground import Playground
from tests.browser.site import Site
from tests.live_web import LiveWeb

HOSTILE: Final = "<img src=x onerror=alert(1)><script>alert(1)<svg onload=alert(1)>.png"
# One black pixel.
PICTURE: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


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
    window = site.window("ada")
    window.expected += ["503 (Service Unavailable)", "400 (Bad Request)"]
    with registered(site.web, "image-classification") as model:
        page = Playground(window.page()).page
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        tool(page, "Images")
        panel = page.locator("#panel-images")
        expect(panel.get_by_label("Model")).to_have_value(model)
        field = panel.get_by_label("Choose an image, or drop one here")
        field.set_input_files({"name": HOSTILE, "mimeType": "image/png", "buffer": PICTURE})
        expect(panel.get_by_role("alert")).to_contain_text(f"No replica of {model} is ready")
        expect(panel.get_by_role("heading")).to_have_text(HOSTILE)
        expect(panel.get_by_alt_text(f"The image {HOSTILE}")).to_be_visible()
        assert_looks_good(page, "playground-images")
        field.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no image"})
        expect(panel.get_by_role("alert")).to_contain_text("File must be an image")


@pytest.mark.parametrize(
    "result",
    [{"labels": [{"label": HOSTILE, "score": 0.5}]}, {"lines": [{"text": HOSTILE, "score": 0.9}]}],
)
def test_what_a_model_sees_is_shown_as_text(modules: Modules, result: dict[str, object]) -> None:
    assert seen(modules, result) == [[HOSTILE, HOSTILE], 1]


def test_a_picture_without_text_says_so(modules: Modules) -> None:
    assert seen(modules, {"lines": []}) == [[HOSTILE, "No text was found in it."], 1]


def seen(modules: Modules, result: dict[str, object]) -> object:
    """Return the texts that are shown, and how many elements may be markup of somebody's."""
    return modules.run(
        {"images": "images.js"},
        """
        const root = document.createElement("div");
        root.append(document.createElement("div"), document.createElement("div"));
        root.append(Object.assign(document.createElement("input"), {type: "file"}));
        root.children[0].dataset.part = "drop";
        root.children[1].dataset.part = "result";
        const file = new File([new Uint8Array(given.picture)], given.text, {type: "image/png"});
        new images.Images(root, {value: ""}).show(file, {result: given.result});
        const found = [...root.querySelectorAll("h3, li span, p")].map((one) => one.textContent);
        return [found, root.querySelectorAll("script, svg, img").length];
        """,
        {"text": HOSTILE, "picture": list(PICTURE), "result": result},
    )


def test_similarity_is_the_cosine_of_the_angle(modules: Modules) -> None:
    values = modules.run(
        {"similarity": "similarity.js"},
        "return given.map(([one, other]) => similarity.cosine(one, other))",
        [[[1, 0], [2, 0]], [[1, 0], [0, 3]], [[1, 1], [-1, -1]], [[0, 0], [1, 1]]],
    )
    assert [round(value, 12) for value in values] == [1, 0, -1, 0]
