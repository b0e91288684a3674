"""Send, list, read and delete files."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import scopes
from accounts.permissions import HasScope
from accounts.principal import principal_of
from accounts.rate_limits import rate_limited
from aiplatform.errors import ApiError
from aiplatform.idempotency.views import CreatesOnce
from inference.api.openai.files.content import FileContent
from inference.api.openai.files.form import PREFIX, file_form, file_of
from inference.api.openai.files.serializers import (
    FileDeletedSerializer,
    FilePageSerializer,
    FileQuerySerializer,
    FileSerializer,
    UploadSerializer,
)
from inference.api.openai.negotiation import OneAnswer
from inference.api.openai.pages import page_form
from inference.api.openai.schema import openai_described
from inference.jobs.files.selectors import FileFilter, files_page
from inference.jobs.files.services import FileInUse, file_delete, file_upload
from inference.jobs.files.storage import content_digest
from inference.jobs.public_ids import id_of


@extend_schema(tags=["files"])
class FileViewSet(CreatesOnce, ViewSet):
    """The caller's own files; nobody else's, whoever asks."""

    permission_classes = [HasScope]
    content_negotiation_class = OneAnswer
    required_scope = scopes.JOBS
    parser_classes = [MultiPartParser]

    @openai_described(
        *("Upload a file", 200, FileSerializer, 400, 409, 413, 415, 429, 503),
        request={"multipart/form-data": UploadSerializer},
        operation_id="files_create",
    )
    @rate_limited("upload")
    def create(self, request: Request) -> Response:
        """Keep a file, for FILE_RETENTION_DAYS unless `expires_after` says otherwise."""
        asked = _valid(request)
        file = file_upload(
            user_id=principal_of(request).user_id,
            purpose=asked["purpose"],
            upload=asked["file"],
            keep_s=asked.get("expires_after[seconds]"),
        )
        return Response(file_form(file))

    @openai_described(
        *("List files", 200, FilePageSerializer, 400),
        parameters=[FileQuerySerializer],
        operation_id="files_list",
    )
    def list(self, request: Request) -> Response:
        """Return one page; `after` the last id begins the next."""
        serializer = FileQuerySerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        query = serializer.validated_data
        after = id_of(PREFIX, query["after"]) if "after" in query else None
        if "after" in query and after is None:
            raise ApiError(400, "invalid_request", "after: Send the id of a file.", param="after")
        wanted = FileFilter(
            user_id=principal_of(request).user_id,
            purpose=query.get("purpose", ""),
            after=after,
            ascending=query["order"] == "asc",
        )
        files, has_more = files_page(wanted=wanted, limit=query["limit"])
        return Response(page_form([file_form(file) for file in files], has_more=has_more))

    @openai_described("Read about a file", 200, FileSerializer, 404, operation_id="files_retrieve")
    def retrieve(self, request: Request, file_id: str) -> Response:
        """Return what is known of one file."""
        return Response(file_form(file_of(principal_of(request), file_id)))

    @openai_described("Delete a file", 200, FileDeletedSerializer, 404, 409)
    def destroy(self, request: Request, file_id: str) -> Response:
        """A batch that has not ended keeps the file that it reads."""
        file = file_of(principal_of(request), file_id)
        try:
            deleted = file_delete(file=file)
        except FileInUse as error:
            detail = "A batch reads this file. Cancel the batch, or wait for its end."
            raise ApiError(409, "file_in_use", detail) from error
        return Response({"id": file.public_id, "object": "file", "deleted": deleted})

    @openai_described(
        *("Read a file", (200, "application/octet-stream"), OpenApiTypes.BINARY, 404, 503),
        operation_id="files_content",
    )
    def content(self, request: Request, file_id: str) -> StreamingHttpResponse:
        """Answer the bytes that were sent."""
        file = file_of(principal_of(request), file_id)
        try:
            pieces = FileContent(file.path)
        except OSError as error:
            detail = "The content cannot be read here: FILES_DIR must be shared by all."
            raise ApiError(503, "file_unavailable", detail, retry_after=5) from error
        # Whatever it claims to be, no browser is to show it as a page of ours.
        headers = {
            "Content-Length": str(file.bytes),
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingHttpResponse(
            pieces, content_type="application/octet-stream", headers=headers
        )

    def compared(self, request: Request) -> bytes:
        """Return what makes two uploads one: clients draw the borders of a form anew each time."""
        asked = _valid(request)
        upload = asked.pop("file")
        parts = [upload.name, content_digest(upload), *map(str, sorted(asked.items()))]
        return "\n".join(parts).encode()


def _valid(request: Request) -> Any:
    serializer = UploadSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
