"""Watching a job, from its beginning or from where one was: for every door that tells it live."""

from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from aiplatform.database import in_database
from inference.jobs.models import ENDED, Job
from inference.jobs.progress import BEGINNING, Told, events_after
from inference.jobs.selectors import job_find

END: Final = "end"  # the id of the last event; who has seen it need not come again


class Seen(NamedTuple):
    """One event, or that nothing happened for a second, which has neither."""

    id: str
    told: Told | None
    ended: Job | None = None  # with END: the job as it is now


async def watched(job: Job, after: str = BEGINNING) -> AsyncIterator[Seen]:
    """Yield what is told of the job after the event `after`, until it has ended.

    A job whose events are gone already is told by its row alone. Raises RedisError, and what the
    database raises; ends without END where the job was deleted.
    """
    last, now, look = after, job, True
    while True:
        if look:
            found = await in_database(job_find, job_id=job.id, user_id=job.user_id)
            if found is None:
                return
            now = found
        # Whoever ended it had told everything else before.
        events = await events_after(job.id, last, wait=not now.has_ended)
        for event in events:
            last = event.id
            if event.told.status not in ENDED:
                yield Seen(event.id, event.told)
        if now.has_ended and not events:
            yield Seen(END, Told(status=now.status), now)
            return
        if not events:
            yield Seen("", None)
        # The row is looked at only when it may have ended: an event can be lost, the row cannot.
        look = not events or events[-1].told.status in ENDED
