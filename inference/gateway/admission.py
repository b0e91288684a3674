"""Admission: may this request run now? One script in the shared store decides, all or nothing."""

import asyncio
import math
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings

from accounts.principal import Principal
from aiplatform.pipelined_store import Script, pipelined_store
from aiplatform.store import Unavailable
from inference.gateway import errors, replicas
from inference.gateway.spec import GenerationSpec
from inference.registry.directory import Replica

log = structlog.get_logger(__name__)

_ADMIT: Final = Script(Path(__file__).with_name("admission.lua").read_text())
_RELEASE: Final = Script(Path(__file__).with_name("release.lua").read_text())
_RENEW: Final = Script(Path(__file__).with_name("renewal.lua").read_text())


class Lease:
    """A place among the running requests, renewed until it is given back."""

    def __init__(self, request_id: str, keys: list[str]) -> None:
        self.request_id = request_id
        self.keys = keys
        _held[request_id] = self
        _keep_renewing()

    async def release(self) -> None:
        """Give the place back. With the store away it expires by itself."""
        _held.pop(self.request_id, None)
        try:
            await pipelined_store().run(_RELEASE, self.keys, [self.request_id])
        except Unavailable:
            log.warning("lease_left_to_expire", lease=self.request_id)


async def admit(request_id: str, principal: Principal, spec: GenerationSpec) -> Lease:
    """Reserve a place for the request. Raises ApiError: which bound, how far over, when again."""
    available = await replicas.of_model(spec.model.name)
    ready = [replica for replica in available if replica.state == "ready"]
    places = spec.model.slots * max(1, len(ready)) + spec.model.max_queue
    keys = [f"lease:user:{principal.user_id}", f"lease:model:{spec.model.name}"]
    bounds = [settings.MAX_CONCURRENT_PER_USER, places]
    arguments = [request_id, settings.LEASE_TTL_S * 1000, *bounds]
    try:
        reached, *used = await pipelined_store().run(_ADMIT, keys, arguments)
    except asyncio.CancelledError:
        # It may have been admitted all the same; commands are obeyed in order, this one after.
        await Lease(request_id, keys).release()
        raise
    except Unavailable as error:
        raise errors.limits_unavailable() from error
    wait = _expected_wait(ready)
    if reached == 1:
        raise errors.over_limit(
            limit="concurrency", used=used[0], bound=bounds[0], retry_after=wait
        )
    if reached == 2:
        raise errors.queue_full(model=spec.model.name, waiting=used[0], retry_after=wait)
    return Lease(request_id, keys)


def _expected_wait(ready: list[Replica]) -> float:
    """Return seconds until a place should be free: a request's mean time over what runs at once."""
    if not ready:
        return float(settings.LEASE_TTL_S)
    return max(1.0, *(one.mean_request_s / max(1, one.running) for one in ready))


_held: Final[dict[str, Lease]] = {}
_renewals: Final[dict[asyncio.AbstractEventLoop, asyncio.Task[None]]] = {}


def _keep_renewing() -> None:
    loop = asyncio.get_running_loop()
    task = _renewals.get(loop)
    if task is None or task.done():
        _renewals[loop] = loop.create_task(_renew_while_held())


async def _renew_while_held() -> None:
    """Renew every lease of this process a few times in its life; end when none is held."""
    while _held:
        await asyncio.sleep(settings.LEASE_TTL_S / 4)
        held = [(key, lease.request_id) for lease in _held.values() for key in lease.keys]
        for start in range(0, len(held), 1000):
            await _renew(held[start : start + 1000])


async def _renew(held: list[tuple[str, str]]) -> None:
    keys = [key for key, _ in held]
    arguments = [math.ceil(settings.LEASE_TTL_S * 1000), *(member for _, member in held)]
    try:
        await pipelined_store().run(_RENEW, keys, arguments)
    except Unavailable:
        log.warning("leases_not_renewed", leases=len(held))
