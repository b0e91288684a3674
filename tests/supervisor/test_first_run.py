"""The first run sets everything up, once, wherever it was interrupted."""

import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import ApiKey, User
from accounts.selectors import principal_of_key
from aiplatform.supervisor.first_credentials import (
    first_credentials_create,
    first_key,
    first_run_file,
)
from inference.registry.installation import UnknownDefaultModel, default_models_install
from inference.registry.models import Model
from tests.platform_process import REPOSITORY, PlatformProcess


@pytest.fixture
def bare() -> Iterator[PlatformProcess]:
    """An empty folder where nothing was set up."""
    with tempfile.TemporaryDirectory(prefix="aip-") as folder:
        platform = PlatformProcess(Path(folder), Path(folder) / "models")
        yield platform
        platform.kill_all()


@pytest.fixture
def var_dir(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def test_a_second_run_changes_nothing_even_after_an_admin_did(bare: PlatformProcess) -> None:
    first = bare.must("first_run", "--no-models")
    assert bare.key in first
    kept = (bare.var_dir / "first-run.txt").read_text()
    _sql(bare, "UPDATE registry_model SET slots = 7")
    second = bare.must("first_run", "--no-models")
    assert second == ""
    assert (bare.var_dir / "first-run.txt").read_text() == kept
    assert _sql(bare, "SELECT slots, is_default FROM registry_model") == [(7, 1)]
    assert _sql(bare, "SELECT count(*) FROM accounts_user") == [(1,)]


def test_a_run_killed_while_migrating_is_finished_by_the_next(bare: PlatformProcess) -> None:
    killed = subprocess.Popen(
        [sys.executable, REPOSITORY / "manage.py", "first_run", "--no-models"],
        env=bare.environment,
        stdout=subprocess.DEVNULL,
    )
    while killed.poll() is None and not _is_begun(bare):
        pass
    killed.kill()
    killed.wait()
    bare.must("first_run", "--no-models")
    assert _sql(bare, "SELECT username, is_superuser FROM accounts_user") == [("admin", 1)]
    assert bare.key


@pytest.mark.django_db(transaction=True)
def test_an_admin_whose_key_could_not_be_kept_is_not_made(var_dir: Path) -> None:
    first_run_file().mkdir()  # nothing can be written there
    with pytest.raises(OSError, match=r"first-run\.txt"):
        first_credentials_create()
    assert not User.objects.exists()
    assert not ApiKey.objects.exists()

    first_run_file().rmdir()
    assert first_credentials_create()
    assert User.objects.count() == ApiKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_first_credentials_work_and_only_their_owner_reads_them(var_dir: Path) -> None:
    shown = first_credentials_create()
    assert shown == first_run_file().read_text()
    assert stat.S_IMODE(first_run_file().stat().st_mode) == 0o600
    key = first_key()
    assert key is not None
    principal = principal_of_key(key)
    assert (principal.username, principal.is_admin) == ("admin", True)
    password = shown.split("Password: ")[1].splitlines()[0]
    assert User.objects.get().check_password(password)


@pytest.mark.django_db(transaction=True)
def test_a_given_name_and_password_are_used_and_the_password_is_written_nowhere(
    var_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "operator")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    shown = first_credentials_create()
    assert shown is not None
    assert "correct horse battery" not in shown
    assert User.objects.get(username="operator").check_password("correct horse battery")


@pytest.mark.django_db
def test_the_default_models_are_registered_once(var_dir: Path) -> None:
    assert default_models_install() >= 1
    assert default_models_install() == 0
    defaults = dict(Model.objects.filter(is_default=True).values_list("task", "name"))
    assert defaults == {
        "chat": "smollm2-135m-instruct",
        "embeddings": "all-minilm-l6-v2",
        "image-classification": "mobilenet-v2",
    }


@pytest.mark.django_db
def test_only_the_default_models_that_are_asked_for_are_registered(
    var_dir: Path, settings: Settings
) -> None:
    settings.DEFAULT_MODELS = ["no-such-model"]
    with pytest.raises(UnknownDefaultModel, match="'no-such-model' is none of smollm2"):
        default_models_install()
    settings.DEFAULT_MODELS = ["mobilenet-v2"]
    assert default_models_install() == 1
    assert Model.objects.get().name == "mobilenet-v2"


def _is_begun(platform: PlatformProcess) -> bool:
    with suppress(sqlite3.Error):
        return bool(_sql(platform, "SELECT count(*) FROM django_migrations")[0][0] > 2)
    return False


def _sql(platform: PlatformProcess, statement: str) -> list[Any]:
    with closing(sqlite3.connect(platform.var_dir / "db.sqlite3", timeout=20)) as database:
        rows = database.execute(statement).fetchall()
        database.commit()
        return rows
