"""Files of pictures as doors take them: what they are is known, and nothing is unpacked."""

from typing import Any

import msgspec
from django.conf import settings

from inference.engine.images.facts import Bounds, ImageError, ImageFacts
from inference.engine.images.headers import read_facts
from inference.gateway import errors


class Picture(msgspec.Struct, frozen=True):
    """The file of a picture, what it says of itself, and where in the request it came."""

    content: bytes
    facts: ImageFacts
    param: str

    def noted(self, filename: str = "") -> dict[str, Any]:
        """Return what the history keeps: what the picture was, and never the picture."""
        return {
            "filename": filename,
            "format": self.facts.format,
            "width": self.facts.width,
            "height": self.facts.height,
            "bytes": len(self.content),
        }


def picture_of(content: bytes, param: str) -> Picture:
    """Return the picture in a file. Raises ApiError where it is none or over a bound.

    Nothing is unpacked: what takes memory happens in the runner, after this.
    """
    bounds = Bounds(pixels=settings.MAX_IMAGE_PIXELS, frames=settings.MAX_IMAGE_FRAMES)
    try:
        return Picture(content, read_facts(content, bounds), param)
    except ImageError as error:
        raise errors.image_refused(error.code, error.detail, param) from error
