"""Begin, list, read and cancel batches."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import scopes
from accounts.permissions import HasScope
from accounts.principal import principal_of
from aiplatform.clients import client_address, user_agent
from aiplatform.errors import ApiError
from aiplatform.idempotency.views import CreatesOnce
from inference.api.openai.batches.form import PREFIX, batch_forms, batch_of
from inference.api.openai.batches.serializers import (
    BatchPageSerializer,
    BatchQuerySerializer,
    BatchSerializer,
    CreateBatchSerializer,
)
from inference.api.openai.files.form import file_of
from inference.api.openai.negotiation import OneAnswer
from inference.api.openai.pages import page_form
from inference.api.openai.schema import openai_described
from inference.gateway import errors
from inference.jobs.batches.endpoints import ENDPOINTS
from inference.jobs.batches.selectors import batches_page
from inference.jobs.batches.services import batch_cancel, batch_create
from inference.jobs.kinds import KINDS
from inference.jobs.models import BatchStatus
from inference.jobs.public_ids import id_of


@extend_schema(tags=["batches"])
class BatchViewSet(CreatesOnce, ViewSet):
    """The caller's own batches; nobody else's, whoever asks."""

    permission_classes = [HasScope]
    content_negotiation_class = OneAnswer
    required_scope = scopes.JOBS

    @openai_described(
        *("Begin a batch", 200, BatchSerializer, 400, 404, 409, 413, 415, 429, 503),
        request=CreateBatchSerializer,
        operation_id="batches_create",
    )
    def create(self, request: Request) -> Response:
        """Answer every line of a file. Needs the scope of what its lines ask, too."""
        principal = principal_of(request)
        serializer = CreateBatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        scope = KINDS[ENDPOINTS[asked["endpoint"]]].form.scope
        if scope not in principal.scopes:
            raise errors.scope_missing(scope)
        batch = batch_create(
            principal=principal,
            endpoint=asked["endpoint"],
            input_file_id=file_of(principal, asked["input_file_id"]).id,
            completion_window=asked["completion_window"],
            metadata=asked.get("metadata") or {},
            client_address=client_address(request._request),
            user_agent=user_agent(request._request),
        )
        return Response(batch_forms([batch])[0])

    @openai_described(
        *("List batches", 200, BatchPageSerializer, 400),
        parameters=[BatchQuerySerializer],
        operation_id="batches_list",
    )
    def list(self, request: Request) -> Response:
        """Return one page, newest first; `after` the last id begins the next."""
        serializer = BatchQuerySerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        query = serializer.validated_data
        after = id_of(PREFIX, query["after"]) if "after" in query else None
        if "after" in query and after is None:
            raise ApiError(400, "invalid_request", "after: Send the id of a batch.", param="after")
        batches, has_more = batches_page(
            user_id=principal_of(request).user_id, after=after, limit=query["limit"]
        )
        return Response(page_form(batch_forms(batches), has_more=has_more))

    @openai_described("Read a batch", 200, BatchSerializer, 404, operation_id="batches_retrieve")
    def retrieve(self, request: Request, batch_id: str) -> Response:
        """Return one batch as it is now."""
        return Response(batch_forms([batch_of(principal_of(request), batch_id)])[0])

    @openai_described(
        *("Cancel a batch", 200, BatchSerializer, 404, 409),
        request=None,
        operation_id="batches_cancel",
    )
    def cancel(self, request: Request, batch_id: str) -> Response:
        """Begin no more of its lines; what is done is delivered."""
        principal = principal_of(request)
        won = batch_cancel(batch=batch_of(principal, batch_id))
        batch = batch_of(principal, batch_id)
        if not won and batch.status != BatchStatus.CANCELLING:
            raise ApiError(409, "batch_ended", f"The batch is {batch.status} and goes no further.")
        return Response(batch_forms([batch])[0])
