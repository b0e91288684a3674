"""Finding a job by the text of an address, for its owner alone."""

import re
import uuid
from typing import Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.jobs.models import Job
from inference.jobs.selectors import job_find

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def job_of(principal: Principal, text: str) -> Job:
    """Return the job. Raises ApiError, the same for another's as for none at all."""
    job = (
        job_find(job_id=uuid.UUID(text), user_id=principal.user_id) if _ID.fullmatch(text) else None
    )
    if job is None:
        raise ApiError(
            404, "task_not_found", "There is no such task. GET /api/v1/tasks lists yours."
        )
    return job
