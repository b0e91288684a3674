"""Static files: served beside pages, however a browser mixes them on its connections."""

import httpx

from tests.live_web import LiveWeb

FILES = ("/static/a.css", "/static/b.js")
MIXED = (*FILES, "/admin/login/", *FILES, "/health")


def test_one_connection_may_ask_for_files_and_pages_in_any_order(live_web: LiveWeb) -> None:
    with httpx.Client(base_url=live_web.base_url) as browser:
        statuses = [browser.get(path).status_code for path in MIXED * 5]
    # None of these files exists; what counts is that each request is answered as itself.
    assert statuses == [404, 404, 200, 404, 404, 200] * 5


def test_nothing_outside_the_folder_is_served(live_web: LiveWeb) -> None:
    for path in ("/static/../db.sqlite3", "/static/%2e%2e/db.sqlite3", "/static//etc/passwd"):
        assert httpx.get(live_web.base_url + path).status_code == 404
