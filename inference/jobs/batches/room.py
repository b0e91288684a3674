"""How many lines may begin now: as many as idle capacity has room for, and no more.

What somebody waits for comes first. While it does, lines are few, and rest for longer than they
ran; while any request waits in a runner's queue, none begins.
"""

from collections.abc import Collection, Mapping
from typing import Final

from django.conf import settings

from aiplatform.snapshot import Snapshot
from aiplatform.store import Unavailable
from inference.gateway import errors, replicas
from inference.gateway.presence import presences
from inference.gateway.served import models_served
from inference.registry.directory import Replica

FRESH_S: Final = 0.25
# While somebody waits for a model, lines get one of so many free places, and at least one.
_BESIDE_OTHERS: Final = 16
_KEPT_FREE: Final = 4  # of so many places one is left for whoever comes


async def lines_room(under_way: Mapping[str, int], resting: Collection[str] = ()) -> dict[str, int]:
    """Return how many more lines each served model may be given. Raises ApiError.

    `under_way` says how many it works on now; those that are `resting` get none while somebody
    waits for them.
    """
    waited_for = await _waited_for.get()
    room = {}
    for model in await models_served():
        mine = under_way.get(model.name, 0)
        running = await replicas.of_model(model.name)
        beside = model.name in waited_for
        allowed = lines_allowed(running, mine, waited_for=beside)
        room[model.name] = 0 if beside and model.name in resting else allowed - mine
    return room


def lines_allowed(announced: list[Replica], mine: int, *, waited_for: bool) -> int:
    """Return how many lines may be under way at once."""
    ready = [one for one in announced if one.state == "ready" and replicas.is_closed(one.id)]
    if any(one.waiting for one in ready):
        return 0
    # An upstream does not say how many it takes at once.
    places = sum(one.slots or settings.BATCH_LINES_AT_ONCE for one in ready)
    others = max(0, sum(one.running for one in ready) - mine)
    if others >= places:
        return 0
    free = max(1, places - others - places // _KEPT_FREE)
    if waited_for:
        free = max(1, free // _BESIDE_OTHERS)
    return min(free, settings.BATCH_LINES_AT_ONCE)


async def _read() -> set[str]:
    try:
        return await presences([model.name for model in await models_served()])
    except Unavailable as error:
        raise errors.limits_unavailable() from error


_waited_for: Final = Snapshot(_read, FRESH_S)
