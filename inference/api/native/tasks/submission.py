"""POST /api/v1/generate/async."""

from typing import Any, Final

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import scopes
from accounts.permissions import HasScope
from accounts.principal import Principal, principal_of
from aiplatform.clients import client_address, user_agent
from aiplatform.idempotency.views import CreatesOnce
from aiplatform.json_media import encode
from aiplatform.problem_schema import described
from inference.api.native.tasks.serializers import GenerateAsyncSerializer, SubmittedSerializer
from inference.gateway import errors
from inference.gateway.spec import Spec
from inference.jobs.early import refuse_early
from inference.jobs.kinds import GENERATE_TEXT, KINDS
from inference.jobs.services import job_submit

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_BODY: Final = GenerateAsyncSerializer()


class AsyncTextViewSet(CreatesOnce, ViewSet):
    """Generate text without waiting for it."""

    permission_classes = [HasScope]
    required_scope = scopes.JOBS

    @described(
        *("Generate text later", 202, SubmittedSerializer, 400, 404, 409, 413, 415, 429, 503),
        tags=["tasks"],
        request=GenerateAsyncSerializer,
    )
    def create(self, request: Request) -> Response:
        """Queue what /api/v1/generate/text would answer at once. Needs the scope `generate` too."""
        principal = principal_of(request)
        if scopes.GENERATE not in principal.scopes:
            raise errors.scope_missing(scopes.GENERATE)
        _BODY.run_validation(request.data)
        body: Any = request.data
        spec = async_to_sync(_checked)(principal, body)
        job = job_submit(
            principal=principal,
            kind=GENERATE_TEXT,
            model_name=spec.model.name,
            # Whatever the default is by then: this is what was accepted.
            body=encode({**body, "model": spec.model.name}).decode(),
            client_address=client_address(request._request),
            user_agent=user_agent(request._request),
        )
        return Response(
            {"task_id": str(job.id), "status": "processing"},
            status=202,
            headers={"Location": f"/api/v1/tasks/{job.id}"},
        )


async def _checked(principal: Principal, body: dict[str, Any]) -> Spec:
    """Return what is asked for. Raises ApiError for whatever would be refused anyway."""
    spec: Spec = await KINDS[GENERATE_TEXT].parse(principal, body)
    await refuse_early(principal, spec)
    return spec
