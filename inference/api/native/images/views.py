"""POST /api/v1/upload/image."""

import asyncio

from django.http.response import HttpResponseBase
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from accounts.principal import Principal
from aiplatform.json_media import JSONParser
from aiplatform.problem_schema import described
from inference.api.dispatch import AsyncViewSet
from inference.api.http_door import answer
from inference.api.native.images.form import ImageForm
from inference.api.native.images.later import LaterImageViewSet
from inference.api.native.images.parsing import picture_asked, picture_read
from inference.api.native.images.serializers import (
    ImageAnswerSerializer,
    ImageFormSerializer,
    ImageJsonSerializer,
)
from inference.api.native.images.upload import read_upload
from inference.api.native.tasks.later import asks_later, submitted
from inference.api.native.tasks.serializers import SubmittedSerializer
from inference.gateway.picturing import CaptionSpec, PictureSpec


class ImageUploadViewSet(AsyncViewSet):
    """Say what a picture shows."""

    parser_classes = [MultiPartParser, JSONParser]  # for the schema: `read_upload` parses

    @described(
        *("Say what a picture shows", 200, ImageAnswerSerializer, 400, 404, 409, 413, 415, 429),
        *(503,),
        tags=["images"],
        answers={202: SubmittedSerializer},
        request={
            "multipart/form-data": ImageFormSerializer,
            "application/json": ImageJsonSerializer,
        },
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Say what an image shows: as the multipart field `file`, or in JSON as a data URL.

        A classifier says it by labels, a chat model that reads pictures in words.

        What the content is decides, not the declared type. Its first frame is looked at, turned as
        its EXIF says; the image and its metadata are kept nowhere. With `async` it is answered
        later, and the image kept until then.
        """
        plain = request._request
        if await asks_later(plain, lambda plain: read_upload(plain).fields):
            return await submitted(plain, LaterImageViewSet)

        async def parse(principal: Principal) -> PictureSpec | CaptionSpec:
            # Both the store's client and parsing are synchronous.
            read = await asyncio.to_thread(picture_read, plain, principal.username)
            return await picture_asked(principal, *read)

        return await answer(plain, ImageForm(), parse)
