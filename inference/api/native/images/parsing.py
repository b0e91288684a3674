"""From a picture and what stands beside it to what the gateway takes."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest

from accounts.principal import Principal
from accounts.rate_limits import attempt
from inference.api.native.images.serializers import ImageOptionsSerializer
from inference.api.native.images.upload import FILE, IMAGE, Upload, read_upload
from inference.engine.images.facts import ImageFacts
from inference.gateway.picturing import PictureSpec, image_facts, picture_spec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_OPTIONS: Final = ImageOptionsSerializer()


def picture_read(request: HttpRequest, username: str) -> tuple[Upload, ImageFacts]:
    """Return what was uploaded, once it is known to be an image. Call it in a thread.

    Raises ApiError that names the field, or an APIException of DRF.
    """
    attempt(request, "upload", username)
    upload = read_upload(request)
    param = FILE if request.content_type == "multipart/form-data" else IMAGE
    return upload, image_facts(upload.content, param)


async def picture_asked(principal: Principal, upload: Upload, facts: ImageFacts) -> PictureSpec:
    """Return what is asked of an image. Raises ApiError, and ValidationError of DRF."""
    options = _OPTIONS.run_validation(upload.fields)
    return await picture_spec(
        principal,
        model=options.get("model"),
        content=upload.content,
        facts=facts,
        filename=upload.filename,
        top_k=options["top_k"],
    )


def picture_kept(fields: Mapping[str, Any], content: bytes) -> tuple[Upload, ImageFacts]:
    """Return the upload that was kept for a job; its filename stands among the fields."""
    beside = {name: value for name, value in fields.items() if name != "filename"}
    return Upload(content, fields.get("filename", ""), beside), image_facts(content, FILE)
