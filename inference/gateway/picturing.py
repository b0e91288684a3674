"""From an image file to an `ItemsSpec`: the model, and the bounds that hold before it travels."""

from typing import Any

from django.conf import settings

from accounts.principal import Principal
from inference.engine.images.facts import Bounds, ImageError, ImageFacts
from inference.engine.images.headers import read_facts
from inference.engine.task import IMAGE_CLASSIFICATION, OCR
from inference.engine.wire import Image
from inference.gateway import errors
from inference.gateway.served import served_model
from inference.gateway.spec import ItemsSpec


class PictureSpec(ItemsSpec, frozen=True, kw_only=True):
    """One picture to classify or to read."""

    facts: ImageFacts
    filename: str
    top_k: int

    @property
    def size(self) -> int:
        """Bytes of the file."""
        (item,) = self.items
        assert isinstance(item, Image)
        return len(item.content)


def image_facts(content: bytes, param: str) -> ImageFacts:
    """Return what the file says of itself. Raises ApiError where it is no image or over a bound.

    Nothing is unpacked: what takes memory happens in the runner, after this.
    """
    bounds = Bounds(pixels=settings.MAX_IMAGE_PIXELS, frames=settings.MAX_IMAGE_FRAMES)
    try:
        return read_facts(content, bounds)
    except ImageError as error:
        raise errors.image_refused(error.code, error.detail, param) from error


async def picture_spec(
    principal: Principal,
    *,
    model: str | None,
    content: bytes,
    facts: ImageFacts,
    filename: str,
    top_k: int,
) -> PictureSpec:
    """Return what to ask of a classifier, or of a model that reads. Raises ApiError."""
    served = await served_model(principal, model, IMAGE_CLASSIFICATION, OCR)
    return PictureSpec(
        model=served,
        asked=_noted(filename, facts, len(content)),
        items=[Image(content)],
        facts=facts,
        filename=filename,
        top_k=top_k,
    )


def _noted(filename: str, facts: ImageFacts, size: int) -> dict[str, Any]:
    """Return what the history keeps of a picture: what it was, and never the picture."""
    return {
        "filename": filename,
        "format": facts.format,
        "width": facts.width,
        "height": facts.height,
        "bytes": size,
    }
