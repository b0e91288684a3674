"""Reads of batches. Each is its owner's alone."""

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Count

from inference.jobs.models import Batch, Job, Status


class Counts(NamedTuple):
    """How many lines a batch has, and how many of them ended in which way."""

    total: int
    completed: int
    failed: int


def batches_page(*, user_id: int, after: uuid.UUID | None, limit: int) -> tuple[list[Batch], bool]:
    """Return at most `limit` batches, newest first, and whether there are more."""
    rows = Batch.objects.filter(user_id=user_id, **({"id__lt": after} if after else {}))
    found = list(rows.order_by("-id")[: limit + 1])
    return found[:limit], len(found) > limit


def batch_find(*, batch_id: uuid.UUID, user_id: int) -> Batch | None:
    """Return one batch of a user."""
    return Batch.objects.filter(id=batch_id, user_id=user_id).first()


def batch_counts(batches: Iterable[Batch]) -> dict[uuid.UUID, Counts]:
    """Return the counts of each, as they are now: one query for all that have not ended."""
    known = {batch.id: batch for batch in batches}
    unfinished = [batch.id for batch in known.values() if not batch.has_ended]
    counted: dict[uuid.UUID, dict[str, int]] = {batch_id: {} for batch_id in unfinished}
    rows = Job.objects.filter(batch_id__in=unfinished).values_list("batch_id", "status")
    for batch_id, status, number in (
        rows.annotate(number=Count("id")).order_by() if unfinished else ()
    ):
        counted[batch_id][status] = number
    return {
        batch.id: _live(batch, counted[batch.id])
        if batch.id in counted
        else Counts(batch.total, batch.completed, batch.failed)
        for batch in known.values()
    }


def _live(batch: Batch, counted: dict[str, int]) -> Counts:
    done, failed = counted.get(Status.COMPLETED, 0), counted.get(Status.FAILED, 0)
    return Counts(batch.total, done, failed)
