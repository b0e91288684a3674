"""Whose turn it is to see to a batch: one worker at a time, for one lease."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from inference.jobs.models import Batch


class TurnLost(Exception):
    """Somebody else sees to the batch now, or it is gone."""


class Turn:
    """One worker's turn at one batch."""

    def __init__(self, batch: Batch, token: uuid.UUID) -> None:
        self.batch = batch
        self._token = token

    @property
    def held(self) -> QuerySet[Batch]:
        """The batch, if it is still this worker's turn: what every write goes through."""
        return Batch.objects.filter(id=self.batch.id, turn=self._token, ended_at=None)

    def renew(self) -> None:
        """Hold the turn for another lease. Raises TurnLost."""
        if self.held.update(lease_until=_lease_end()) != 1:
            raise TurnLost

    def give_back(self) -> None:
        """Let others have it."""
        self.held.update(turn=None, lease_until=None)


def turn_take(*, batch_id: uuid.UUID) -> Turn | None:
    """Return a turn at the batch; None where somebody else has one or the batch has ended."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    token = uuid.uuid4()
    batches = Batch.objects.filter(free, id=batch_id, ended_at=None)
    if batches.update(turn=token, lease_until=_lease_end()) != 1:
        return None
    batch = Batch.objects.filter(id=batch_id).first()
    return Turn(batch, token) if batch else None


def _lease_end() -> object:
    return Now() + timedelta(seconds=settings.LEASE_TTL_S)
