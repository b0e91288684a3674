"""Writes of files: kept within the quotas, deleted, and deleted when their time is over."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Now

from accounts.models import User
from aiplatform.errors import ApiError
from aiplatform.request_ids import new_request_id
from inference.jobs.files.selectors import files_in_use
from inference.jobs.files.storage import lines_write, upload_keep
from inference.jobs.models import File, Purpose

CHUNK_ROWS: Final = 200


class FileInUse(Exception):
    """A batch or a job that has not ended reads the file."""


def file_upload(
    *, user_id: int, purpose: str, upload: "UploadedFile[bytes]", keep_s: int | None = None
) -> File:
    """Keep what was sent, for `keep_s` seconds or as long as the settings say.

    Raises ApiError where the user has as many files or bytes as a user may have.
    """
    file = _new(user_id, purpose, str(upload.name), keep_s)
    file.bytes = upload.size or 0
    _refuse_over_quota(file)  # before it is moved; what counts is the look inside the transaction
    upload_keep(upload, file.path)
    try:
        with transaction.atomic():
            # Holds the user's row, so that of several that send the last file at once one does.
            User.objects.filter(id=user_id).update(plan_id=F("plan_id"))
            _refuse_over_quota(file)
            file.save(force_insert=True)
    except BaseException:
        file.path.unlink(missing_ok=True)
        raise
    file.refresh_from_db()
    return file


def file_write(*, user_id: int, filename: str, lines: Iterable[bytes]) -> File | None:
    """Write what a batch came to and return the file, not yet saved; None where there is nothing.

    It counts among the user's files, and is written where those are too many already: what was
    charged is delivered.
    """
    file = _new(user_id, Purpose.BATCH_OUTPUT, filename, None)
    file.bytes = lines_write(lines, file.path)
    if not file.bytes:
        file.path.unlink()
        return None
    return file


def file_delete(*, file: File) -> bool:
    """Delete the file; return whether it was there. Raises FileInUse."""
    with transaction.atomic():
        # Holds the user's row, as whoever begins a batch does.
        User.objects.filter(id=file.user_id).update(plan_id=F("plan_id"))
        if files_in_use([file.id]):
            raise FileInUse
        deleted = File.objects.filter(id=file.id).delete()[0] == 1
        transaction.on_commit(lambda: file.path.unlink(missing_ok=True))
    return deleted


def files_purge() -> int:
    """Delete the files whose time is over, but for those that batches read; return how many."""
    expired = File.objects.filter(expires_at__lte=Now()).order_by("expires_at", "id")
    deleted, kept = 0, set[Any]()
    while files := list(expired.exclude(id__in=kept)[:CHUNK_ROWS]):
        for file in files:
            try:
                deleted += file_delete(file=file)
            except FileInUse:
                kept.add(file.id)
    return deleted


def _new(user_id: int, purpose: str, filename: str, keep_s: int | None) -> File:
    days = settings.FILE_RETENTION_DAYS
    kept = timedelta(seconds=keep_s) if keep_s else timedelta(days=days) if days else None
    return File(
        id=new_request_id(),
        user_id=user_id,
        purpose=purpose,
        filename=filename,
        created_at=Now(),
        expires_at=Now() + kept if kept else None,
    )


def _refuse_over_quota(file: File) -> None:
    had = File.objects.filter(user_id=file.user_id).aggregate(n=Count("id"), size=Sum("bytes"))
    most, most_bytes = settings.MAX_FILES_PER_USER, settings.MAX_FILE_BYTES_PER_USER
    if had["n"] >= most:
        detail = f"You have {had['n']:,} files, the most there may be ({most:,}). Delete some."
        raise ApiError(409, "too_many_files", detail, param="file")
    if (had["size"] or 0) + file.bytes > most_bytes:
        detail = (
            f"Your files have {had['size'] or 0:,} bytes; with {file.bytes:,} more they would be "
            f"over {most_bytes:,}, the most there may be. Delete some."
        )
        raise ApiError(409, "file_quota_exceeded", detail, param="file")
