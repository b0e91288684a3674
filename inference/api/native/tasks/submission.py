"""Submitting a job: what every door that does not wait has in common, and POST generate/async."""

from typing import Any, ClassVar, Final

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
from inference.jobs.kinds import GENERATE_TEXT, KINDS, Asked, Kind
from inference.jobs.services import job_submit

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_BODY: Final = GenerateAsyncSerializer()


class SubmissionViewSet(CreatesOnce, ViewSet):
    """Queue what a door would answer at once. A subclass names the kind and reads its bodies."""

    permission_classes = [HasScope]
    required_scope = scopes.JOBS
    kind: ClassVar[str]

    def asked(self, request: Request) -> Asked:
        """Return what the request asks for. Raises what the door would."""
        raise NotImplementedError

    def create(self, request: Request) -> Response:
        """Queue it. The key needs the scope of what is asked, too."""
        principal, kind = principal_of(request), KINDS[self.kind]
        if kind.form.scope not in principal.scopes:
            raise errors.scope_missing(kind.form.scope)
        asked = self.asked(request)
        spec = async_to_sync(_checked)(principal, kind, asked)
        job = job_submit(
            principal=principal,
            kind=self.kind,
            model_name=spec.model.name,
            # Whatever the default is by then: this is what was accepted.
            body=encode({**asked.body, "model": spec.model.name}).decode(),
            content=asked.content,
            client_address=client_address(request._request),
            user_agent=user_agent(request._request),
        )
        return Response(
            {"task_id": str(job.id), "status": "processing"},
            status=202,
            headers={"Location": f"/api/v1/tasks/{job.id}"},
        )


class AsyncTextViewSet(SubmissionViewSet):
    """Generate text without waiting for it."""

    kind = GENERATE_TEXT

    def asked(self, request: Request) -> Asked:
        body: Any = request.data
        _BODY.run_validation(body)
        return Asked(body)

    @described(
        *("Generate text later", 202, SubmittedSerializer, 400, 404, 409, 413, 415, 429, 503),
        tags=["tasks"],
        request=GenerateAsyncSerializer,
    )
    def create(self, request: Request) -> Response:
        """Queue what /api/v1/generate/text would answer at once. Needs the scope `generate` too."""
        return super().create(request)


async def _checked(principal: Principal, kind: Kind[Any], asked: Asked) -> Spec:
    """Return what is asked for. Raises ApiError for whatever would be refused anyway."""
    spec: Spec = await kind.parse(principal, asked)
    await refuse_early(principal, spec)
    return spec
