"""Fixtures of whole platforms with a tiny model: one that tests share, and fresh ones."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform_process import REPOSITORY, PlatformProcess, installation, running_platform


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for sockets below it."""
    with tempfile.TemporaryDirectory(prefix="aip-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def tiny_model(short_folder: Path) -> Path:
    """A random model's directory, made in a process of its own: this one stays without torch."""
    directory = short_folder / "tiny"
    save = f"from tests.engine.tiny_models import save; save('llama', Path({str(directory)!r}))"
    subprocess.run(
        [sys.executable, "-c", f"from pathlib import Path; {save}"], cwd=REPOSITORY, check=True
    )
    return directory


@pytest.fixture(scope="session")
def template(short_folder: Path, tiny_model: Path) -> Iterator[PlatformProcess]:
    """An installation that never runs."""
    with installation(short_folder / "template", tiny_model=tiny_model) as platform:
        yield platform


@pytest.fixture(scope="session")
def platform(short_folder: Path, template: PlatformProcess) -> Iterator[PlatformProcess]:
    """A running platform with the model `tiny` that every test leaves as it found it."""
    with running_platform(short_folder / "shared", copy_of=template) as running:
        yield running


@pytest.fixture
def fresh(template: PlatformProcess) -> Iterator[PlatformProcess]:
    """An installation of the test's own, not started."""
    with (
        tempfile.TemporaryDirectory(prefix="aip-") as folder,
        installation(Path(folder), copy_of=template) as platform,
    ):
        yield platform
