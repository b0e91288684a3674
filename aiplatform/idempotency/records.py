"""Writes of idempotency records. Each is one conditional statement; its count says who won."""

import uuid
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.db.models.lookups import LessThan

from aiplatform.idempotency.attempt import Attempt
from aiplatform.idempotency.errors import KeyReused
from aiplatform.idempotency.kept_answer import KeptAnswer
from aiplatform.idempotency.seal import opened, sealed
from aiplatform.models import IdempotencyRecord

# Answers are large: few a transaction, so that SQLite's one writer is never held for long.
CHUNK_ROWS: Final = 200


class Standing(Enum):
    """How an attempt stands that finds no answer."""

    CLAIMED = "claimed"  # by this attempt, which has to answer
    IN_FLIGHT = "in flight"  # somebody else is answering


def record_claim(*, attempt: Attempt) -> Standing | KeptAnswer:
    """Claim the attempt's key, or return the answer that it has. Raises KeyReused.

    A record that has expired stands for nothing: its claimant died, or its time is over.
    """
    expired = LessThan(F("expires_at"), Now())
    found = _of(attempt).annotate(expired=expired).values().first()
    if found is None:
        return _insert(attempt)
    if found["expired"]:
        return _take_over(attempt, found["holder"])
    if found["body_digest"] != attempt.body_digest:
        raise KeyReused
    if found["sealed"] is None:
        return Standing.IN_FLIGHT
    return opened(bytes(found["sealed"]), attempt)


def record_renew(*, attempt: Attempt) -> bool:
    """Hold the claim for another lease; return whether it was still held."""
    return _held(attempt).update(expires_at=_lease_end()) == 1


def record_keep(*, attempt: Attempt, answer: KeptAnswer) -> bool:
    """Put the answer in place of the claim; return whether that was still held."""
    until = Now() + timedelta(hours=settings.IDEMPOTENCY_TTL_HOURS)
    return _held(attempt).update(sealed=sealed(answer, attempt), expires_at=until) == 1


def record_release(*, attempt: Attempt) -> None:
    """Give the claim up, so that whoever asks again is really served."""
    _held(attempt).delete()


def record_is_in_flight(*, key_digest: str) -> bool:
    """Return whether somebody holds the claim and still lives."""
    claims = IdempotencyRecord.objects.filter(key_digest=key_digest, sealed=None)
    return claims.filter(expires_at__gte=Now()).exists()


def records_purge(*, before: datetime) -> int:
    """Delete what expired before that; return how many. In chunks by id."""
    outdated = IdempotencyRecord.objects.filter(expires_at__lt=before).order_by("id")
    deleted = 0
    while ids := list(outdated.values_list("id", flat=True)[:CHUNK_ROWS]):
        # The condition again: what was taken over meanwhile is not outdated any more.
        rows = IdempotencyRecord.objects.filter(id__in=ids, expires_at__lt=before)
        deleted += rows._raw_delete(rows.db)
    return deleted


def _insert(attempt: Attempt) -> Standing:
    try:
        with transaction.atomic():
            IdempotencyRecord.objects.create(
                key_digest=attempt.key_digest, **_claim_columns(attempt)
            )
    except IntegrityError:  # somebody else was faster
        return Standing.IN_FLIGHT
    return Standing.CLAIMED


def _take_over(attempt: Attempt, former: uuid.UUID) -> Standing:
    still_that = _of(attempt).filter(holder=former, expires_at__lt=Now())
    won = still_that.update(**_claim_columns(attempt)) == 1
    return Standing.CLAIMED if won else Standing.IN_FLIGHT


def _claim_columns(attempt: Attempt) -> dict[str, Any]:
    return {
        "body_digest": attempt.body_digest,
        "holder": attempt.holder,
        "expires_at": _lease_end(),
        "sealed": None,
    }


def _lease_end() -> Any:
    return Now() + timedelta(seconds=settings.LEASE_TTL_S)


def _of(attempt: Attempt) -> "QuerySet[IdempotencyRecord]":
    return IdempotencyRecord.objects.filter(key_digest=attempt.key_digest)


def _held(attempt: Attempt) -> "QuerySet[IdempotencyRecord]":
    return _of(attempt).filter(holder=attempt.holder, sealed=None)
