"""No hostile file becomes pixels, takes memory, or fails in a way that nobody foresaw."""

import subprocess
import sys
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.engine.images.decoding import decode
from inference.engine.images.facts import Bounds, ImageError
from inference.engine.images.headers import read_facts
from tests.hostile_images import honest_files, hostile_files

_FILES: Final = hostile_files()
_HONEST: Final = honest_files()
_BOUNDS: Final = Bounds(pixels=32_000_000, frames=256)
_MEMORY: Final = """
import resource
from tests.engine.images.test_hostile_files import refused, _FILES
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert all(refused(content) for content in _FILES.values())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def refused(content: bytes) -> ImageError | None:
    """Return why neither the header's reader nor the decoder takes the file."""
    try:
        read_facts(content, _BOUNDS)
        decode(content)
    except ImageError as error:
        return error
    return None


def test_there_are_three_hundred_of_them() -> None:
    assert len(_FILES) >= 300


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_hostile_file_is_refused_with_a_reason(name: str) -> None:
    error = refused(_FILES[name])
    assert error is not None
    assert error.code in {"not_an_image", "image_too_large", "invalid_image"}
    assert 10 < len(error.detail) < 200


def test_all_of_them_together_take_little_memory() -> None:
    measured = subprocess.run(
        [sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True
    )
    assert int(measured.stdout) < 100_000, "KiB beyond what it took before"


@given(st.binary(max_size=400))
def test_any_bytes_are_an_image_or_refused(content: bytes) -> None:
    assert refused(content)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(_HONEST)), st.data())
def test_a_changed_file_is_an_image_or_refused(name: str, data: st.DataObject) -> None:
    content = bytearray(_HONEST[name])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(400, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
    refused(bytes(content))  # whatever else it raised would fail the test
