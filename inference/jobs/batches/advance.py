"""What a batch needs next: its file checked, its lines given up, its answers written."""

import uuid

import structlog
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from inference.jobs.batches.finalizing import batch_finalize
from inference.jobs.batches.lines import lines_give_up, lines_open
from inference.jobs.batches.turns import Turn, TurnLost, turn_take
from inference.jobs.batches.validation import batch_validate
from inference.jobs.models import Batch, BatchStatus

log = structlog.get_logger("inference.jobs")


def batches_advance() -> int:
    """See to every batch that needs more than its lines to be worked on; return to how many."""
    return sum(map(_advance, _ripe()))


def batches_are_ripe() -> bool:
    """Return whether a batch has nothing left to be worked on and waits for its end."""
    return bool(_ripe())


def _ripe() -> list[uuid.UUID]:
    unfinished = Batch.objects.filter(ended_at=None).exclude(lease_until__gte=Now())
    works = Q(status=BatchStatus.IN_PROGRESS, expires_at__gt=Now())
    ripe = unfinished.exclude(works & Exists(lines_open(OuterRef("pk"))))
    return list(ripe.order_by("id").values_list("id", flat=True))


def _advance(batch_id: uuid.UUID) -> bool:
    turn = turn_take(batch_id=batch_id)
    if turn is None:
        return False
    try:
        _see_to(turn)
    except TurnLost:
        log.warning("batch_turn_lost", batch=turn.batch.public_id)
        return False
    except OSError as error:
        # FILES_DIR is full, or not the one that the others share. Tried again until it is mended.
        log.error("batch_file_unavailable", batch=turn.batch.public_id, reason=error.strerror)
    turn.give_back()
    return True


def _see_to(turn: Turn) -> None:
    batch = turn.batch
    expired = Batch.objects.filter(id=batch.id, expires_at__lte=Now()).exists()
    if batch.status == BatchStatus.VALIDATING and not expired:
        batch_validate(turn)
        return
    if expired or batch.status == BatchStatus.CANCELLING:
        lines_give_up(batch=batch)
    # What is under way is done to its end first.
    if not lines_open(batch).exists():
        batch_finalize(turn)
