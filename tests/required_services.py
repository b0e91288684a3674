"""Servers of the operating system that some tests run: found, or the reason why a test cannot run.

On a developer's machine a missing server skips the test. Under `.ci/run` (CI=true) it fails it: a
suite that skips what it was built to show has shown nothing.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

# Debian keeps these off the PATH: servers in sbin, PostgreSQL's by version.
_FURTHER: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/lib/postgresql/*/bin")
_SAME_PROTOCOL: Final = {"redis-server": ("redis-server", "valkey-server")}


def binary(name: str) -> Path:
    """Return the executable `name`. `redis-server` may turn out to be `valkey-server`."""
    for candidate in _SAME_PROTOCOL.get(name, (name,)):
        if found := shutil.which(candidate, path=os.pathsep.join(_folders())):
            return Path(found)
    return _missing(f"{name} is not installed; .ci/run shows the packages that bring it")


def _missing(reason: str) -> Path:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _folders() -> Sequence[str]:
    installed = os.environ.get("PATH", "").split(os.pathsep)
    further = [str(one) for pattern in _FURTHER for one in _newest_first(pattern)]
    return [*installed, *further]


def _newest_first(pattern: str) -> list[Path]:
    return sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
