"""What an image file says of itself, and whether that may be decoded: nothing is unpacked here."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Format = Literal["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]
ErrorCode = Literal["not_an_image", "image_too_large", "invalid_image"]
ERROR_CODES: Final[frozenset[str]] = frozenset(get_args(ErrorCode))

# However an installation is configured, a runner decodes no more.
MAX_PIXELS: Final = 200_000_000
MAX_FRAMES: Final = 10_000
# A strip of 1 x 30,000 pixels would fill gigabytes once its short side is enlarged to a model's.
MAX_ASPECT: Final = 50


class ImageError(Exception):
    """The file is not taken. `code` is machine-readable, the text safe to show."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class ImageFacts:
    """What the header says. Of an animation or a file of pages, the first frame is what counts."""

    format: Format
    width: int  # pixels, as stored: before EXIF turns it
    height: int
    frames: int = 1  # counted to one over the bound, no further
    # The most that is unpacked at once: a tile may be larger than the picture.
    buffer_pixels: int = 0
    end: int | None = None  # where the picture ends in the file, if its format says


@dataclass(frozen=True)
class Bounds:
    """What is taken at most."""

    pixels: int = MAX_PIXELS
    frames: int = MAX_FRAMES

    def check(self, facts: ImageFacts) -> None:
        """Raise ImageError where `facts` are over a bound or cannot be."""
        width, height = facts.width, facts.height
        if width < 1 or height < 1:
            raise damaged()
        if max(width * height, facts.buffer_pixels) > self.pixels:
            raise _too_large(
                f"The image has {width} x {height} pixels; {self.pixels:,} are the most."
            )
        if facts.frames > self.frames:
            raise _too_large(f"The image has over {self.frames} frames, the most accepted.")
        if max(width, height) > MAX_ASPECT * min(width, height):
            raise _too_large(
                f"The image has {width} x {height} pixels; one side may be at most {MAX_ASPECT} "
                "times the other."
            )


def not_an_image() -> ImageError:
    """No format that is known here."""
    return ImageError("not_an_image", "File must be an image: JPEG, PNG, WebP, GIF, BMP or TIFF.")


def damaged() -> ImageError:
    """It begins like an image and does not go on like one."""
    return ImageError("invalid_image", "File must be an image: this one is damaged or cut short.")


def unusual(what: str) -> ImageError:
    """It may be an image, but one that nobody's camera or program makes."""
    return ImageError("invalid_image", f"The image {what}. Save it again as PNG or JPEG.")


def _too_large(detail: str) -> ImageError:
    return ImageError("image_too_large", detail)
