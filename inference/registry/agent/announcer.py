"""Tells the directory twice a second which replicas this machine has."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiplatform.store import Unavailable, blocking_store
from inference.registry.agent.outage import Outage
from inference.registry.directory import Replica, announce, withdraw

INTERVAL_S: Final = 0.5


class Announcer:
    """Announces what `current` returns; what it no longer returns is withdrawn at once."""

    def __init__(self, current: Callable[[], list[Replica]]) -> None:
        self._current = current
        self._announced: set[str] = set()
        self._outage = Outage("the Redis-protocol server")

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(INTERVAL_S)

    async def once(self) -> None:
        """Bring the directory up to date."""
        try:
            await asyncio.to_thread(self._publish, self._current())
        except Unavailable as error:
            self._outage.noticed(error)
        else:
            self._outage.over()

    def _publish(self, replicas: list[Replica]) -> None:
        store = blocking_store()
        ids = {replica.id for replica in replicas}
        for gone in self._announced - ids:
            withdraw(store, gone)
        self._announced = ids
        for replica in replicas:
            announce(store, replica)
