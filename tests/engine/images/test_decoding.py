"""Pixels come out upright, and nothing but pixels."""

from typing import Final

import pytest
from PIL import Image

from inference.engine.images.decoding import decode
from tests.hostile_images import saved

_ORIENTATION: Final = 0x0112
# Red at the top left, green at the top right, blue at the bottom left, white at the bottom right.
_CORNERS: Final = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
# How a picture must have been stored for each of EXIF's orientations to put it right.
_STORED: Final = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def _upright() -> Image.Image:
    image = Image.new("RGB", (40, 20))
    for place, colour in enumerate(_CORNERS):
        image.paste(
            colour, (place % 2 * 20, place // 2 * 10, place % 2 * 20 + 20, place // 2 * 10 + 10)
        )
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", sorted(_STORED))
def test_a_picture_is_turned_as_its_exif_says(orientation: int, kind: str) -> None:
    turn = _STORED[orientation]
    stored = _upright() if turn is None else _upright().transpose(turn)
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    decoded = decode(saved(stored, kind, exif=exif))
    assert decoded.size == (40, 20)
    for place, colour in enumerate(_CORNERS):
        found = decoded.getpixel((place % 2 * 20 + 10, place // 2 * 10 + 5))
        assert isinstance(found, tuple)
        assert all(abs(one - wanted) < 40 for one, wanted in zip(found, colour, strict=True))


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_there_is_not_turns_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    assert decode(saved(_upright(), "JPEG", exif=exif)).size == (40, 20)


def test_garbled_exif_is_no_reason_to_refuse_the_picture() -> None:
    for garbage in (b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + bytes(90)):
        assert decode(saved(_upright(), "JPEG", exif=garbage)).size == (40, 20)


def test_nothing_of_the_metadata_is_left() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    decoded = decode(saved(_upright(), "JPEG", exif=exif, comment=b"a secret"))
    assert not decoded.getexif()
    assert "a secret" not in repr(decoded.info)
