"""From a picture and what stands beside it to what the gateway takes."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest

from accounts.principal import Principal
from accounts.rate_limits import attempt
from aiplatform.errors import ApiError
from inference.api.native.images.serializers import ImageOptionsSerializer
from inference.api.native.images.upload import FILE, IMAGE, Upload, read_upload
from inference.engine.task import CHAT
from inference.gateway.picture_files import Picture, picture_of
from inference.gateway.picturing import (
    CaptionSpec,
    PictureSpec,
    caption_spec,
    looking_model,
    picture_spec,
)

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_OPTIONS: Final = ImageOptionsSerializer()
_OF_CLASSIFIERS: Final = {"top_k": 5}
_OF_TALKERS: Final = {"prompt": "Describe this picture.", "max_length": 100}


def picture_read(request: HttpRequest, username: str) -> tuple[Upload, Picture]:
    """Return what was uploaded, once it is known to be an image. Call it in a thread.

    Raises ApiError that names the field, or an APIException of DRF.
    """
    attempt(request, "upload", username)
    upload = read_upload(request)
    param = FILE if request.content_type == "multipart/form-data" else IMAGE
    return upload, picture_of(upload.content, param)


async def picture_asked(
    principal: Principal, upload: Upload, picture: Picture
) -> PictureSpec | CaptionSpec:
    """Return what is asked of an image. Raises ApiError, and ValidationError of DRF."""
    options = _OPTIONS.run_validation(upload.fields)
    served = await looking_model(principal, options.get("model"))
    if served.task == CHAT:
        of_talker = _chosen(options, _OF_TALKERS, _OF_CLASSIFIERS, served.name)
        return await caption_spec(
            principal,
            served,
            picture,
            filename=upload.filename,
            prompt=of_talker["prompt"],
            max_tokens=of_talker["max_length"],
        )
    top_k = _chosen(options, _OF_CLASSIFIERS, _OF_TALKERS, served.name)["top_k"]
    return picture_spec(served, picture, filename=upload.filename, top_k=top_k)


def picture_kept(fields: Mapping[str, Any], content: bytes) -> tuple[Upload, Picture]:
    """Return the upload that was kept for a job; its filename stands among the fields."""
    beside = {name: value for name, value in fields.items() if name != "filename"}
    return Upload(content, fields.get("filename", ""), beside), picture_of(content, FILE)


def _chosen(
    options: Mapping[str, Any], own: dict[str, Any], others: dict[str, Any], model: str
) -> dict[str, Any]:
    """Return a model's own options, and refuse those that it would not act on."""
    for name in others:
        if name in options:
            detail = f"{name}: {model} does nothing with it; leave it out."
            raise ApiError(400, "unsupported_parameter", detail, param=name)
    return {name: options.get(name, default) for name, default in own.items()}
