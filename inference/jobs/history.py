"""Clean-up of the history."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from inference.gateway.models import Request, RequestBody

# Small enough that SQLite's one writer is never held for long, and that PostgreSQL locks little.
CHUNK_ROWS: Final = 1000


def history_purge(*, older_than_days: int | None = None) -> int:
    """Delete requests older than that, HISTORY_RETENTION_DAYS by default; return how many.

    0 days keeps everything. In chunks by id, each its own transaction: one statement over millions
    of rows runs out of memory and blocks everybody else.
    """
    days = settings.HISTORY_RETENTION_DAYS if older_than_days is None else older_than_days
    if days <= 0:
        return 0
    outdated = Request.objects.filter(created_at__lt=timezone.now() - timedelta(days=days))
    deleted = 0
    while ids := list(outdated.order_by("created_at").values_list("id", flat=True)[:CHUNK_ROWS]):
        # Not through the ORM's cascade, which would read every body before it deletes it.
        bodies = RequestBody.objects.filter(request_id__in=ids)
        bodies._raw_delete(bodies.db)
        rows = Request.objects.filter(id__in=ids)
        deleted += rows._raw_delete(rows.db)
    return deleted
