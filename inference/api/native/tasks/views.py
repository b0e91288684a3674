"""List, read and cancel jobs."""

from typing import Final

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.viewsets import ViewSet

from accounts import scopes
from accounts.permissions import HasScope
from accounts.principal import principal_of
from aiplatform.errors import ApiError
from aiplatform.problem_schema import described
from aiplatform.store import Unavailable
from inference.api.native.tasks.form import row_form, task_form
from inference.api.native.tasks.lookup import job_of
from inference.api.native.tasks.serializers import (
    TaskPageSerializer,
    TaskQuerySerializer,
    TaskSerializer,
)
from inference.jobs.models import Job
from inference.jobs.progress import Progress, progress_read
from inference.jobs.selectors import JobFilter, jobs_page
from inference.jobs.services import job_cancel


@extend_schema(tags=["tasks"])
@extend_schema_view(
    list=described("List tasks", 200, TaskPageSerializer, 400, parameters=[TaskQuerySerializer]),
    retrieve=described("Read a task", 200, TaskSerializer, 404),
)
class TaskViewSet(ViewSet):
    """The caller's own jobs; nobody else's, whoever asks."""

    permission_classes = [HasScope]
    required_scope = scopes.JOBS

    def list(self, request: Request) -> Response:
        """Return one page, newest first, and where the next one is."""
        serializer = TaskQuerySerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        query = serializer.validated_data
        wanted = JobFilter(
            user_id=principal_of(request).user_id,
            status=query.get("status", ""),
            model_name=query.get("model", ""),
            kind=query.get("kind", ""),
            since=query.get("from"),
            until=query.get("to"),
            before=query.get("before"),
        )
        page, following = jobs_page(wanted=wanted, limit=query["limit"])
        address = following and replace_query_param(
            request.build_absolute_uri(), "before", str(following)
        )
        return Response({"results": [row_form(job) for job in page], "next": address})

    def retrieve(self, request: Request, task_id: str) -> Response:
        """Return one job with what was answered, or how far it is."""
        job = job_of(principal_of(request), task_id)
        return Response(task_form(job, progress_of(job)))

    @described("Cancel a task", 200, TaskSerializer, 404, 409, request=None)
    def cancel(self, request: Request, task_id: str) -> Response:
        """End a job that waits or runs. What it made until then is charged."""
        job = job_of(principal_of(request), task_id)
        if not job_cancel(job=job):
            raise ApiError(409, "task_ended", "The task has ended already. GET it to see how.")
        return self.retrieve(request, task_id)


def progress_of(job: Job) -> Progress:
    """Return how far a job is, as far as anybody knows."""
    if job.has_ended:
        return NOTHING
    try:
        return progress_read(job.id)
    except Unavailable:
        return NOTHING  # the row is the truth; how far it is nobody knows now


NOTHING: Final = Progress(0, "")
