"""The agent's loop: read the registry, end what is not wanted, start what is missing, announce."""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseError

from aiplatform.database import in_database
from inference.registry.agent.announcer import Announcer
from inference.registry.agent.assignment import Assignment
from inference.registry.agent.keeper import Keeper
from inference.registry.agent.outage import Outage
from inference.registry.agent.sockets import clear_dead_sockets
from inference.registry.directory import Replica
from inference.registry.selectors import models_enabled

INTERVAL_S: Final = 0.5

log = structlog.get_logger("inference.registry.agent")


@dataclass(frozen=True)
class Kept:
    """A keeper at work."""

    keeper: Keeper
    task: asyncio.Task[None]

    def end(self) -> None:
        """Have it drain; a second cancellation would cut that short."""
        if not self.task.cancelling():
            self.task.cancel()


class HostAgent:
    """Neither a database nor a store that is away ends a runner: the agent goes on as it knew."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._database = Outage("the database")
        self._announcer = Announcer(self._replicas)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; every runner has ended when this returns."""
        await asyncio.to_thread(clear_dead_sockets, settings.RUN_DIR)
        work = [asyncio.create_task(self._reconcile()), asyncio.create_task(self._announcer.run())]
        stopping = asyncio.create_task(stop.wait())
        # A loop that ends is a defect: the agent ends with it, loudly, and is started again.
        await asyncio.wait([*work, stopping], return_when=asyncio.FIRST_COMPLETED)
        work[0].cancel()
        await self._end_all()
        work[1].cancel()
        await self._announcer.once()
        await _raise_defects(work)

    async def _reconcile(self) -> None:
        while True:
            wanted = await self._wanted()
            if wanted is not None:
                self._match(wanted)
            await asyncio.sleep(INTERVAL_S)

    async def _wanted(self) -> dict[str, Assignment] | None:
        try:
            models = await in_database(models_enabled)
        except DatabaseError as error:
            self._database.noticed(error)
            return None
        self._database.over()
        return {model.name: Assignment.of(model) for model in models}

    def _match(self, wanted: dict[str, Assignment]) -> None:
        for name, kept in list(self._kept.items()):
            if kept.task.done():
                self._forget(name, kept)
            elif wanted.get(name) != kept.keeper.assignment:
                # It drains first; what replaces it starts when its memory is free again.
                kept.end()
        for name, assignment in wanted.items():
            if name not in self._kept:
                self._start(name, assignment)

    def _start(self, name: str, assignment: Assignment) -> None:
        log.info("model wanted", model=name)
        keeper = Keeper(assignment)
        self._kept[name] = Kept(keeper, asyncio.create_task(keeper.run()))

    def _forget(self, name: str, kept: Kept) -> None:
        del self._kept[name]
        if not kept.task.cancelled() and kept.task.exception():
            log.error("keeper failed", model=name, exc_info=kept.task.exception())

    def _replicas(self) -> list[Replica]:
        return [kept.keeper.replica for kept in self._kept.values() if not kept.task.done()]

    async def _end_all(self) -> None:
        for kept in self._kept.values():
            kept.end()
        await asyncio.gather(*(kept.task for kept in self._kept.values()), return_exceptions=True)


async def _raise_defects(tasks: list[asyncio.Task[None]]) -> None:
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
