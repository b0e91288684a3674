"""The playground's modules by themselves, run in a page under its own policy."""

from typing import Any, Final

from playwright.sync_api import Page

from tests.browser.site import Site

_FOLDER: Final = "/static/js/playground"


class Modules:
    """A page that imports modules and calls what they export."""

    def __init__(self, site: Site) -> None:
        self.page: Page = site.page(None)
        self.page.goto("/account/sign-in")

    def run(self, modules: dict[str, str], body: str, argument: Any = None) -> Any:
        """Return what `body` returns, with each module under its name and `argument` as `given`."""
        imports = "".join(
            f"const {name} = await import('{_FOLDER}/{path}');" for name, path in modules.items()
        )
        return self.page.evaluate(f"async (given) => {{ {imports} {body} }}", argument)
