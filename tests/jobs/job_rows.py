"""Rows of jobs for the tests of what is written about them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from aiplatform.request_ids import new_request_id
from inference.gateway.models import Request
from inference.jobs.models import Job, Priority
from inference.jobs.services import job_submit, jobs_claim
from tests.people import person


def owner(name: str = "ada") -> User:
    """Return the user of that name."""
    return User.objects.filter(username=name).first() or person(name)


def queued(priority: Priority = Priority.JOB, **fields: Any) -> Job:
    """Return a job that waits; `fields` are set past the services."""
    from accounts.selectors import principal_of_user

    job = job_submit(
        principal=principal_of_user(owner()),
        kind="generate/text",
        model_name="tiny",
        body='{"text":"hi"}',
        priority=priority,
    )
    Job.objects.filter(id=job.id).update(**fields)
    job.refresh_from_db()
    return job


def claimed(**fields: Any) -> Job:
    """Return a job that is worked on, the only one that waited."""
    queued()
    (job,) = jobs_claim(limit=10)
    Job.objects.filter(id=job.id).update(**fields)
    job.refresh_from_db()
    return job


def lost(**fields: Any) -> Job:
    """Return a job whose worker died a second ago."""
    return claimed(lease_until=timezone.now() - timedelta(seconds=1), **fields)


def settled(job: Job) -> Request:
    """Return the history row of the job's last attempt."""
    return Request.objects.create(
        id=job.request_id or new_request_id(),
        created_at=timezone.now(),
        username="ada",
        door="generate/async",
        status="completed",
        duration_ms=1.0,
        prompt_tokens=3,
        completion_tokens=4,
    )
