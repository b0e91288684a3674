"""What came beside a job's body is kept until the job has ended, and not a moment longer."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from accounts.selectors import principal_of_user
from aiplatform.errors import ApiError
from inference.jobs.files.selectors import FileFilter, file_find, files_page
from inference.jobs.files.services import FileInUse, file_delete, files_purge
from inference.jobs.inputs import input_read
from inference.jobs.models import File, Job, Purpose
from inference.jobs.recovery import jobs_expire, jobs_reclaim
from inference.jobs.services import (
    job_cancel,
    job_complete,
    job_fail,
    job_postpone,
    job_retry,
    job_submit,
    jobs_claim,
)
from tests.jobs.job_rows import owner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]

PICTURE = b"\x89PNG, or what passes for it\0\xff"
USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "images": 1}


def _submitted() -> Job:
    return job_submit(
        principal=principal_of_user(owner()),
        kind="upload/image",
        model_name="tiny",
        body='{"filename":"cat.png"}',
        content=PICTURE,
    )


def _file(job: Job) -> File:
    assert job.input is not None
    return job.input


def _claimed() -> Job:
    (job,) = jobs_claim(limit=1)
    return job


def _is_gone(file: File) -> bool:
    return not file.path.exists() and not File.objects.filter(id=file.id).exists()


def test_it_is_read_as_it_came_by_every_attempt() -> None:
    submitted = _submitted()
    first = _claimed()
    assert input_read(first) == PICTURE
    assert job_postpone(job=first, seconds=0, error="{}")
    assert input_read(_claimed()) == PICTURE
    assert _file(submitted).path.stat().st_mode & 0o077 == 0, "for the platform alone"


def test_it_is_gone_when_the_job_is_completed() -> None:
    file = _file(_submitted())
    assert job_complete(job=_claimed(), result="{}", **USAGE)
    assert _is_gone(file)
    job = Job.objects.get()
    assert (job.input, job.body, job.images) == (None, "", 1)


def test_it_is_gone_when_the_job_fails() -> None:
    file = _file(_submitted())
    assert job_fail(job=_claimed(), error="{}", **USAGE)
    assert _is_gone(file)


def test_it_is_gone_when_the_job_is_cancelled_and_then_nobody_tries_it_again() -> None:
    job = _submitted()
    file = _file(job)
    assert job_cancel(job=job)
    assert _is_gone(file)
    job.refresh_from_db()
    assert not job_retry(job=job), "what it was asked with is gone"


def test_it_is_gone_when_the_job_was_not_begun_in_time() -> None:
    file = _file(_submitted())
    Job.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    assert jobs_expire() == 1
    assert _is_gone(file)


def test_a_lost_worker_leaves_it_for_the_next() -> None:
    _submitted()
    _claimed()
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert jobs_reclaim() == 1
    assert input_read(_claimed()) == PICTURE


def test_an_attempt_that_lost_the_job_takes_nothing_from_who_holds_it() -> None:
    _submitted()
    late = _claimed()
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    jobs_reclaim()
    holder = _claimed()
    assert not job_complete(job=late, result="{}", **USAGE)
    assert input_read(holder) == PICTURE


def test_it_is_in_no_list_of_its_owners_and_nobody_deletes_it_while_the_job_waits() -> None:
    job = _submitted()
    file = _file(job)
    assert file.purpose == Purpose.JOB_INPUT
    assert file_find(file_id=file.id, user_id=job.user_id) is None
    assert files_page(wanted=FileFilter(user_id=job.user_id), limit=10) == ([], False)
    with pytest.raises(FileInUse):
        file_delete(file=file)
    File.objects.update(expires_at=Now())
    assert files_purge() == 0
    assert input_read(_claimed()) == PICTURE


def test_it_counts_among_the_users_files(settings: Settings) -> None:
    settings.MAX_FILES_PER_USER = 1
    job = _submitted()
    with pytest.raises(ApiError) as refused:
        _submitted()
    assert refused.value.code == "too_many_files"
    assert Job.objects.count() == File.objects.count() == 1
    job_cancel(job=job)
    _submitted()


def test_where_a_worker_cannot_read_it_the_job_waits_and_says_why() -> None:
    job = _submitted()
    _file(job).path.unlink()
    with pytest.raises(ApiError) as refused:
        input_read(job)
    assert (refused.value.status, refused.value.code) == (503, "file_unavailable")
