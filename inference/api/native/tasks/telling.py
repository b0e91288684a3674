"""What is told of a job that is watched, whatever way it is told."""

import re
from typing import Any, Final, NamedTuple

from aiplatform.database import in_database
from aiplatform.errors import ApiError
from inference.api.native.tasks.form import task_form
from inference.jobs.progress import Progress, Told
from inference.jobs.watching import Seen

_EVENT_ID: Final = re.compile(r"\d{1,20}-\d{1,20}|end")


class Event(NamedTuple):
    """One event: its name, and what it says."""

    id: str
    name: str
    data: dict[str, Any]


def check_event_id(text: str, field: str) -> None:
    """Raise ApiError, naming the field, for what is no id of an event."""
    if not _EVENT_ID.fullmatch(text):
        detail = f"{field}: Send the id of an event of this task, or none at all."
        raise ApiError(400, "invalid_request", detail, param=field)


async def event_of(seen: Seen, told: Told) -> Event:
    """Return what is told. The last event holds the whole job."""
    if seen.ended is not None:
        form = await in_database(task_form, seen.ended, Progress(0, ""))
        return Event(seen.id, told.status, form)
    if told.status:
        attempt = {"attempt": told.attempt} if told.attempt else {}
        return Event(seen.id, "status", {"status": told.status, **attempt})
    choice = {"index": told.choice} if told.choice else {}
    return Event(seen.id, "delta", {"delta": told.text, "tokens": told.tokens, **choice})
