"""How a model is at this moment: what its row asks for and what its replicas announce."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from aiplatform.store import Unavailable, blocking_store
from inference.registry.directory import Replica, replicas

if TYPE_CHECKING:
    from inference.registry.models import Model

DISABLED: Final = "disabled"
WAITING: Final = "waiting"
UNKNOWN: Final = "unknown"
DRAINING: Final = "draining"
# Of several replicas the one that is furthest decides: one that is ready makes the model ready.
_BY_PROGRESS: Final = ("ready", "loading", "fetching", "stuck", DRAINING, "failed")
STATES: Final = (DISABLED, WAITING, UNKNOWN, *_BY_PROGRESS)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Live:
    """The state of a model for people and programs; `progress` of fetching or loading is 0..1."""

    state: str
    progress: float = 0.0
    detail: str = ""
    replicas: list[Replica] = field(default_factory=list)

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return sum(replica.running for replica in self.replicas)


def attach_live(models: Iterable["Model"]) -> None:
    """Set `live` of each model, with one read of the directory for all of them."""
    announced = _announced()
    for model in models:
        model.live = live_of(model, announced)


def live_of(model: "Model", announced: list[Replica] | None) -> Live:
    """Return the state of `model` among the replicas announced; None where nobody can know."""
    if announced is None:
        return Live(UNKNOWN, detail="The store that replicas announce themselves to is away.")
    own = sorted((one for one in announced if one.model == model.name), key=lambda one: one.id)
    if not model.enabled:
        ending = "Its replica is ending." if own else ""
        return Live(DRAINING if own else DISABLED, detail=ending, replicas=own)
    if not own:
        return Live(WAITING, detail="No host agent has started a replica yet.")
    best = min(own, key=lambda replica: _rank(replica.state))
    return Live(best.state, best.progress, best.detail, own)


def _announced() -> list[Replica] | None:
    try:
        return replicas(blocking_store())
    except Unavailable as error:
        log.warning("directory_unreadable", error=type(error).__name__)
        return None


def _rank(state: str) -> int:
    return _BY_PROGRESS.index(state) if state in _BY_PROGRESS else len(_BY_PROGRESS)
