"""POST /api/v1/upload/image with `async: true`."""

from rest_framework.request import Request

from accounts.principal import principal_of
from inference.api.native.images.parsing import picture_read
from inference.api.native.tasks.later import ASYNC
from inference.api.native.tasks.submission import SubmissionViewSet
from inference.jobs.kinds import UPLOAD_IMAGE, Asked


class LaterImageViewSet(SubmissionViewSet):
    """Say what a picture shows without waiting for it. It is kept until that is known."""

    kind = UPLOAD_IMAGE

    def asked(self, request: Request) -> Asked:
        upload, _ = picture_read(request._request, principal_of(request).username)
        beside = {name: value for name, value in upload.fields.items() if name != ASYNC}
        return Asked({**beside, "filename": upload.filename}, upload.content)
