"""Fixtures of whole platforms with small models: some that tests share, and fresh ones."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.registry.directory import Replica
from tests.default_model import default_model_directory
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


@pytest.fixture(scope="session")
def seeing(short_folder: Path, template: PlatformProcess) -> Iterator[PlatformProcess]:
    """A running platform with the default image classifier beside `tiny`."""
    directory = default_model_directory("mobilenet-v2")
    options = ("--task", "image-classification", "--threads", "1", "--default")
    unlimited = {f"UPLOAD_RATES_BY_{by}": "1000000/d" for by in ("ADDRESS", "NAME")}
    with installation(short_folder / "seeing", copy_of=template, environment=unlimited) as platform:
        source = ("--source", f"path:{directory}")
        platform.must("models", "add", "mobilenet-v2", *source, *options)
        platform.start()
        platform.until(lambda: len(_ready(platform)) == 2, "both models ready")
        yield platform


def _ready(platform: PlatformProcess) -> list[Replica]:
    return [replica for replica in platform.replicas() if replica.state == "ready"]


@pytest.fixture
def fresh(template: PlatformProcess) -> Iterator[PlatformProcess]:
    """An installation of the test's own, not started."""
    with (
        tempfile.TemporaryDirectory(prefix="aip-") as folder,
        installation(Path(folder), copy_of=template) as platform,
    ):
        yield platform
