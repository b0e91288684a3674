"""Rows that belong to no part of the platform in particular."""

from typing import ClassVar

from django.db import models


class IdempotencyRecord(models.Model):
    """One `Idempotency-Key` of one principal: claimed while its request runs, then its answer.

    It holds nothing that can be read without the key itself, which it does not hold.
    """

    key_digest = models.CharField(max_length=64, unique=True)  # HMAC-SHA256, hex
    body_digest = models.CharField(max_length=64)
    holder = models.UUIDField()  # the request that claimed it
    # Of a claim: the end of its lease, after which anybody may take it over. Of an answer: the end
    # of its keeping. Always by the database's clock.
    expires_at = models.DateTimeField()
    sealed = models.BinaryField(null=True)  # the answer; None: still in flight

    class Meta:
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="idempotency_expiry")]

    def __str__(self) -> str:
        return str(self.holder)
