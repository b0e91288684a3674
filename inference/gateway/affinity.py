"""Which replica last read the beginning of a prompt: it may still hold what it computed of it."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from inference.registry.directory import Replica

PREFIX_TOKENS: Final = 32  # beginnings alike this far are taken for one
REMEMBERED: Final = 10_000  # beginnings, the least recently used forgotten first
SLACK: Final = 0.25  # of its slots: reading a prompt again costs more than so much company

_last: Final[OrderedDict[int, str]] = OrderedDict()


def pick(tenant: str, prompt: Sequence[int], able: Sequence[Replica]) -> Replica:
    """Return the replica that last served this tenant and beginning, unless it is busier.

    Otherwise, and for a prompt without any, the one with the least to do. Its choice is remembered
    in this process.
    """
    best = min(able, key=_load)
    if not prompt:
        return best
    key = hash((able[0].model, tenant, tuple(prompt[:PREFIX_TOKENS])))
    known = _last.get(key)
    bound = _load(best) + SLACK
    # Never one in whose queue it would wait.
    warm = (one for one in able if one.id == known and _load(one) < min(bound, 1))
    chosen = next(warm, best)
    _last[key] = chosen.id
    _last.move_to_end(key)
    if len(_last) > REMEMBERED:
        _last.popitem(last=False)
    return chosen


def _load(replica: Replica) -> float:
    return (replica.running + replica.waiting) / replica.slots
