"""Reads of files. Each is its owner's alone."""

import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from inference.jobs.models import Batch, File, Job, Purpose


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files of one user are wanted; what is left empty excludes none."""

    user_id: int
    purpose: str = ""
    after: uuid.UUID | None = None  # a page's place, in the order of the page
    ascending: bool = False


def files_page(*, wanted: FileFilter, limit: int) -> tuple[list[File], bool]:
    """Return at most `limit` files, and whether there are more."""
    condition = Q(purpose=wanted.purpose) if wanted.purpose else Q()
    if wanted.after:
        condition &= Q(**{"id__gt" if wanted.ascending else "id__lt": wanted.after})
    rows = _readable(wanted.user_id).filter(condition)
    found = list(rows.order_by("id" if wanted.ascending else "-id")[: limit + 1])
    return found[:limit], len(found) > limit


def file_find(*, file_id: uuid.UUID, user_id: int) -> File | None:
    """Return one file of a user."""
    return _readable(user_id).filter(id=file_id).first()


def files_find(*, file_ids: list[uuid.UUID], user_id: int) -> dict[uuid.UUID, File]:
    """Return those of the files that there are and that are the user's, by id."""
    return _readable(user_id).in_bulk(file_ids)


def files_in_use(file_ids: list[uuid.UUID]) -> bool:
    """Return whether a batch or a job that has not ended reads one of the files."""
    reading = Batch.objects.filter(input_file_id__in=file_ids, ended_at=None)
    return reading.exists() or Job.objects.filter(input__in=file_ids).exists()


def _readable(user_id: int) -> QuerySet[File]:
    # One whose time is over is as good as deleted; the clean-up comes once a day.
    in_time = Q(expires_at=None) | Q(expires_at__gt=Now())
    return File.objects.filter(in_time, user_id=user_id).exclude(purpose=Purpose.JOB_INPUT)
