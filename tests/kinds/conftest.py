"""A platform that serves a tiny model of each kind of one-shot work beside its chat model."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.platform_process import REPOSITORY, PlatformProcess

# Name → task and whether it is what callers get who name none.
_SERVED = {
    "embeddings": ("embeddings", True),
    "not-a-number": ("embeddings", False),
    "moderation": ("moderation", True),
    "rerank": ("rerank", True),
}


@pytest.fixture(scope="session")
def tiny_kinds(short_folder: Path) -> Path:
    """A folder with a model for each task, made in a process of its own."""
    folder = short_folder / "kinds"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.kinds.tiny", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return folder


@pytest.fixture(scope="session")
def kinds(platform: PlatformProcess, tiny_kinds: Path) -> Iterator[PlatformProcess]:
    """The shared platform while it serves them."""
    platform.await_ready()
    with platform.client() as client:
        for name, (task, default) in _SERVED.items():
            fields = {
                "name": name,
                "task": task,
                "source": f"path:{tiny_kinds / name}",
                "price_prompt": "2",
                "is_default": default,
            }
            created = client.post("/api/v1/models", json=fields)
            assert created.status_code == 201, created.text
        platform.until(lambda: all(map(platform.replica, _SERVED)), "all kinds are ready")
        yield platform
        for name in _SERVED:
            assert client.delete(f"/api/v1/models/{name}").status_code == 204


@pytest.fixture(scope="session")
def tiny_vision(short_folder: Path) -> Path:
    """A folder with a model of each family that reads pictures."""
    folder = short_folder / "vision"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.kinds.tiny_vision", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, stderr=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="session")
def sighted(platform: PlatformProcess, tiny_vision: Path) -> Iterator[PlatformProcess]:
    """The shared platform while it serves a chat model, `sighted`, that reads pictures."""
    platform.await_ready()
    fields = {"task": "chat", "source": f"path:{tiny_vision / 'smolvlm'}", "dtype": "float32"}
    with platform.client() as client:
        prices = {"price_prompt": "2", "price_image": "1"}
        created = client.post("/api/v1/models", json={"name": "sighted", **fields, **prices})
        assert created.status_code == 201, created.text
        platform.until(lambda: platform.replica("sighted"), "sighted is ready")
        yield platform
        assert client.delete("/api/v1/models/sighted").status_code == 204


@pytest.fixture
def client(kinds: PlatformProcess) -> Iterator[httpx.Client]:
    """A client with the first key."""
    with kinds.client() as client:
        yield client
