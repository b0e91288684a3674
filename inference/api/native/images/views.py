"""POST /api/v1/upload/image."""

import asyncio
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from accounts.principal import Principal
from accounts.rate_limits import attempt
from aiplatform.json_media import JSONParser
from aiplatform.problem_schema import described
from inference.api.dispatch import AsyncViewSet
from inference.api.http_door import answer
from inference.api.native.images.form import ImageForm
from inference.api.native.images.serializers import (
    ImageAnswerSerializer,
    ImageFormSerializer,
    ImageJsonSerializer,
    ImageOptionsSerializer,
)
from inference.api.native.images.upload import FILE, IMAGE, Upload, read_upload
from inference.engine.images.facts import ImageFacts
from inference.gateway.picturing import PictureSpec, image_facts, picture_spec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_OPTIONS: Final = ImageOptionsSerializer()


class ImageUploadViewSet(AsyncViewSet):
    """Say what a picture shows."""

    parser_classes = [MultiPartParser, JSONParser]  # for the schema: `read_upload` parses

    @described(
        *("Say what a picture shows", 200, ImageAnswerSerializer, 400, 404, 409, 413, 415, 429),
        *(503,),
        tags=["images"],
        request={
            "multipart/form-data": ImageFormSerializer,
            "application/json": ImageJsonSerializer,
        },
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Classify an image: as the multipart field `file`, or in JSON as a data URL.

        What the content is decides, not the declared type. Its first frame is looked at, turned as
        its EXIF says; the image and its metadata are kept nowhere.
        """

        async def parse(principal: Principal) -> PictureSpec:
            return await _asked(request._request, principal)

        return await answer(request._request, ImageForm(), parse)


async def _asked(request: HttpRequest, principal: Principal) -> PictureSpec:
    # Both the store's client and parsing are synchronous.
    upload, facts = await asyncio.to_thread(_read, request, principal.username)
    options = _OPTIONS.run_validation(upload.fields)
    return await picture_spec(
        principal,
        model=options.get("model"),
        content=upload.content,
        facts=facts,
        filename=upload.filename,
        top_k=options["top_k"],
    )


def _read(request: HttpRequest, username: str) -> tuple[Upload, ImageFacts]:
    attempt(request, "upload", username)
    upload = read_upload(request)
    param = FILE if request.content_type == "multipart/form-data" else IMAGE
    return upload, image_facts(upload.content, param)
