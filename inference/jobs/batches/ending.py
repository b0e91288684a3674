"""The end of a batch: the one write that makes it final, and who is told."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from inference.jobs.batches.turns import Turn, TurnLost
from inference.jobs.events import batch_ended
from inference.jobs.metrics import batches_ended
from inference.jobs.models import Batch, BatchStatus, File


def batch_end(turn: Turn, status: BatchStatus, *, files: list[File] = [], **columns: Any) -> None:  # noqa: B006  # never changed
    """End the batch, with the files that were written for it. Raises TurnLost."""
    with transaction.atomic():
        ending = {"status": status, "ended_at": Now(), "lease_until": None, "turn": None}
        if turn.held.update(**ending, **columns) != 1:
            raise TurnLost
        for file in files:
            file.save(force_insert=True)
        batch_ended(Batch.objects.get(id=turn.batch.id))
        transaction.on_commit(partial(batches_ended.labels(status).inc))
