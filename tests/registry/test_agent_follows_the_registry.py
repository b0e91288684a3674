"""The runners on a machine are what the registry asks for, soon after it asks."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from inference.registry.directory import Replica
from tests.platform_process import PlatformProcess


@pytest.fixture
def second(platform: PlatformProcess, tiny_model: Path) -> Iterator[str]:
    """A second model, registered through the API and gone afterwards."""
    platform.await_ready()
    fields = {
        "name": "second",
        "task": "chat",
        "source": f"path:{tiny_model}",
        "dtype": "float32",
        "context_length": 64,
        "max_output_tokens": 32,
        "slots": 2,
        "enabled": True,
    }
    with platform.client() as client:
        created = client.post("/api/v1/models", json=fields)
        assert created.status_code == 201, created.text
        yield "second"
        assert client.delete("/api/v1/models/second").status_code == 204
    platform.until(lambda: not _replicas(platform, "second"), "withdrawn", seconds=30)


def test_enabling_a_model_starts_its_runner_and_disabling_ends_it(
    platform: PlatformProcess, second: str
) -> None:
    platform.until(lambda: platform.replica(second), "second is ready")
    started = platform.replica(second)
    assert started is not None
    assert started.slots == 2

    _change(platform, {"slots": 3})
    platform.until(lambda: _slots(platform, second) == 3, "runs as configured now")
    changed = platform.replica(second)
    assert changed is not None
    assert started.pid not in platform.processes()

    _change(platform, {"enabled": False})
    platform.until(lambda: changed.pid not in platform.processes(), "its process ended", 30)
    platform.until(lambda: not _replicas(platform, second), "withdrawn", seconds=5)
    assert not Path(changed.address.removeprefix("unix:")).exists()
    assert platform.ready()  # the default model never noticed


def test_a_model_that_cannot_be_loaded_says_why_and_is_not_tried_all_the_time(
    platform: PlatformProcess, tiny_model: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(tiny_model, tmp_path / "broken")
    fields = {"name": "broken", "source": f"path:{broken}", "context_length": 64}
    with platform.client() as client:
        created = client.post(
            "/api/v1/models", json={**fields, "max_output_tokens": 32, "enabled": False}
        )
        assert created.status_code == 201, created.text
        # The registry refuses to enable a damaged model; this one is damaged behind its back.
        (broken / "tokenizer.json").write_text("{")
        _enable_unchecked(platform, "broken")
        platform.until(lambda: _states(platform, "broken") == ["failed"], "failed")
        (failed,) = _replicas(platform, "broken")
        assert failed.detail
        assert "Traceback" not in failed.detail
        assert failed.restarts == 0
        assert client.delete("/api/v1/models/broken").status_code == 204
    platform.until(lambda: not _replicas(platform, "broken"), "withdrawn", seconds=10)


def _enable_unchecked(platform: PlatformProcess, model: str) -> None:
    with closing(sqlite3.connect(platform.var_dir / "db.sqlite3", timeout=20)) as database:
        database.execute("UPDATE registry_model SET enabled = 1 WHERE name = ?", [model])
        database.commit()


def _change(platform: PlatformProcess, fields: dict[str, object]) -> None:
    with platform.client() as client:
        changed = client.patch("/api/v1/models/second", json=fields)
    assert changed.status_code == 200, changed.text


def _replicas(platform: PlatformProcess, model: str) -> list[Replica]:
    return [one for one in platform.replicas() if one.model == model]


def _states(platform: PlatformProcess, model: str) -> list[str]:
    return [one.state for one in _replicas(platform, model)]


def _slots(platform: PlatformProcess, model: str) -> int:
    replica = platform.replica(model)
    return replica.slots if replica else 0
