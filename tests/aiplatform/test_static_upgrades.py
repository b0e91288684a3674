"""After an upgrade browsers have the new static files, and fetch again only those that changed."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.live_web import LiveWeb, StartWeb


@pytest.fixture
def source(tmp_path: Path, settings: Settings) -> Path:
    """The static files of a release."""
    folder = tmp_path / "source"
    folder.mkdir()
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    return folder


def write(file: Path, text: str, *, time: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (time, time))


def collect() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)


def test_a_release_that_is_older_than_the_last_installation_is_collected(
    source: Path, settings: Settings
) -> None:
    write(source / "a.js", "old", time=1_000_000)
    collect()
    write(source / "a.js", "new", time=1_000_001)
    collect()
    assert (settings.STATIC_ROOT / "a.js").read_text() == "new"


def test_what_did_not_change_keeps_its_time(source: Path, settings: Settings) -> None:
    write(source / "a.js", "same", time=1_000_000)
    collect()
    collected = settings.STATIC_ROOT / "a.js"
    os.utime(collected, (2_000_000, 2_000_000))
    write(source / "a.js", "same", time=3_000_000_000)
    collect()
    assert collected.stat().st_mtime == 2_000_000


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(started=False) as stopped:
        yield stopped


def test_a_browser_asks_each_time_and_is_told_what_changed(web: LiveWeb) -> None:
    changed, same = web.folder / "static/changed.js", web.folder / "static/same.js"
    write(changed, "one", time=1_000_000)
    write(same, "one", time=1_000_000)
    with web.running(), browser(web) as first:
        answers = [first.get(f"/static/{name}.js") for name in ("changed", "same")]
    for answer in answers:
        assert answer.headers["cache-control"] == "max-age=0, public"
    tags = [{"If-None-Match": answer.headers["etag"]} for answer in answers]
    write(changed, "two", time=1_000_001)
    with web.running(), browser(web) as second:
        assert second.get("/static/changed.js", headers=tags[0]).text == "two"
        assert second.get("/static/same.js", headers=tags[1]).status_code == 304


def browser(web: LiveWeb) -> httpx.Client:
    return web.client(None)
