"""How the processes of a worker learn that it is being stopped."""

from multiprocessing.sharedctypes import RawValue
from typing import Any

from celery import signals

# Memory that the processes forked after this share. Without a lock, which one that is killed would
# hold for ever.
_stopping: Any = RawValue("b", 0)


@signals.worker_shutting_down.connect
def _note(**_: Any) -> None:
    _stopping.value = 1


def worker_is_stopping() -> bool:
    """Return whether nothing new is to be begun."""
    return bool(_stopping.value)
