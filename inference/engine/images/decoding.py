"""From an image file to upright RGB pixels. For the runner: at worst, a hostile file ends that."""

import io
import struct
import warnings
import zlib
from typing import Final

from PIL import Image, ImageFile

from inference.engine.images.facts import Bounds, ImageFacts, damaged
from inference.engine.images.headers import read_facts

_BOUNDS: Final = Bounds()
_ORIENTATION: Final = 0x0112  # EXIF's tag
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers raise on files that are cut short, garbled or made to break them.
_UNREADABLE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    NotImplementedError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)

# Decided by `Bounds` before Pillow sees a file, and named to the caller.
Image.MAX_IMAGE_PIXELS = None
# Half a picture is no picture: Pillow's default, which some libraries change.
ImageFile.LOAD_TRUNCATED_IMAGES = False


def decode(content: bytes) -> Image.Image:
    """Return the first frame of the image file `content`, in RGB and turned as EXIF says.

    Nothing of its metadata is left. Transparency is left out, as transformers' pipelines do.
    Raises ImageError.
    """
    facts = read_facts(content, _BOUNDS)
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd metadata, which is dropped
            return _pixels(content, facts)
    except _UNREADABLE as error:
        raise damaged() from error


def _pixels(content: bytes, facts: ImageFacts) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=[facts.format]) as opened:
        # Pillow turns a TIFF by itself, and says so in its size before it does.
        if sorted(opened.size) != sorted((facts.width, facts.height)):
            raise damaged()  # it says one thing to us and another to Pillow
        opened.load()
        turn = _TURNS.get(_orientation(opened))
        image = _rgb(opened)
    return image if turn is None else image.transpose(turn)


def _orientation(opened: Image.Image) -> int:
    try:
        found = opened.getexif().get(_ORIENTATION)
    except _UNREADABLE:
        return 1  # garbled EXIF is no reason to refuse the picture
    return found if isinstance(found, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # 16 bits a pixel, which a plain conversion makes all white
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    image = image.convert("RGB")
    image.info.clear()  # where metadata would travel on
    return image
