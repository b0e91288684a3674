"""What is read from a header is what Pillow finds in the file."""

import io
from typing import Any

import pytest
from PIL import Image

from inference.engine.images.decoding import decode
from inference.engine.images.facts import Bounds, ImageError, ImageFacts
from inference.engine.images.headers import read_facts
from tests.hostile_images import honest_files, noise, saved

_TURNED = [noise((61, 47), seed) for seed in range(5)]


def _facts(content: bytes) -> ImageFacts:
    return read_facts(content, Bounds())


@pytest.mark.parametrize("name", sorted(honest_files()))
def test_format_and_measures_are_those_that_pillow_finds(name: str) -> None:
    content = honest_files()[name]
    with Image.open(io.BytesIO(content)) as opened:
        expected = (opened.format, *opened.size)
    facts = _facts(content)
    assert (facts.format, facts.width, facts.height, facts.frames) == (*expected, 1)
    assert decode(content).size == (61, 47)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_frames_are_counted_and_the_first_one_is_decoded(kind: str) -> None:
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    content = saved(_TURNED[0], kind, save_all=True, append_images=_TURNED[1:], **options)
    assert _facts(content).frames == 5
    with Image.open(io.BytesIO(content)) as opened:
        first = opened.convert("RGB")
    assert decode(content).tobytes() == first.tobytes()


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(mode: str, order: str) -> None:
    if mode == "I;16":
        kind = "I;16B" if order == "big" else mode
        image = Image.frombytes(kind, (2, 2), (40_000).to_bytes(2, order) * 4)  # type: ignore[arg-type]
        assert decode(saved(image, "TIFF")).getpixel((0, 0)) == (156,) * 3
    else:
        decoded = decode(saved(noise().convert(mode), "TIFF"))
        assert (decoded.mode, decoded.size) == ("RGB", (61, 47))


def test_a_camera_s_second_picture_or_film_behind_the_first_does_no_harm() -> None:
    content = saved(_TURNED[0], "MPO", save_all=True, append_images=_TURNED[1:3])
    assert decode(content).size == (61, 47)
    film = saved(_TURNED[0], "JPEG") + b"\x00\x00\x00\x18ftypmp42" + bytes(5000)
    assert decode(film).size == (61, 47)


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        (Bounds(pixels=61 * 47 - 1), "61 x 47 pixels; 2,866 are the most"),
        (Bounds(frames=4), "over 4 frames"),
    ],
)
def test_what_is_over_a_bound_is_told_the_bound(bounds: Bounds, says: str) -> None:
    content = saved(_TURNED[0], "GIF", save_all=True, append_images=_TURNED[1:])
    assert read_facts(content, Bounds(pixels=61 * 47, frames=5)).frames == 5
    with pytest.raises(ImageError, match=says) as caught:
        read_facts(content, bounds)
    assert caught.value.code == "image_too_large"
