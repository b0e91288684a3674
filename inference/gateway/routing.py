"""Routing: which replica answers, and another one while nothing has been sent yet."""

import asyncio
from typing import Final

import structlog
from django.conf import settings

from aiplatform.errors import ApiError
from inference.engine import wire
from inference.engine.images.facts import ERROR_CODES as IMAGE_CODES
from inference.gateway import affinity, errors, replicas
from inference.gateway.answered import Answered, Piece
from inference.gateway.connection import Connection, connection_to
from inference.gateway.run import ReplicaLost, ReplicaRefused, Run
from inference.gateway.spec import Spec
from inference.registry.directory import Replica

log = structlog.get_logger(__name__)

# The replica is fine or will be soon; this request is better served elsewhere.
_TRY_ANOTHER: Final = frozenset({"loading", "draining", "queue_full", "out_of_memory"})
_LOST: Final = "lost"
_CANCEL_TIMEOUT_S: Final = 2.0


class Routed:
    """A run on the replica that was picked; moves to another one if it dies before any text."""

    def __init__(self, request_id: str, tenant: str, spec: Spec, *, weight: float = 1.0) -> None:
        """`weight` is the tenant's share of a busy replica, as a multiple of what others get."""
        self._submits = spec.submits(request_id, tenant, weight)
        self._tenant, self._beginning = tenant, spec.beginning
        self._model = spec.model.name
        self._failed: dict[str, str] = {}  # replica → how: lost, or the code it refused with
        self._connection: Connection | None = None
        self._sent_any = False
        self.replica_id = ""
        self.run = self._new_run()
        self.answered = Answered(spec)  # all that was returned so far
        self.attempts = 0  # replicas it was submitted to

    async def start(self) -> None:
        """Submit to the best replica that takes it. Raises ApiError when none does."""
        while True:
            replica = await self._pick()
            try:
                await self._start_on(replica)
            except ReplicaLost as lost:
                replicas.trip(replica.id)
                log.warning("replica_lost", replica=replica.id, reason=str(lost))
                self._failed[replica.id] = _LOST
            except ReplicaRefused as refused:
                if refused.failed.code not in _TRY_ANOTHER:
                    raise _refusal(refused.failed) from refused
                self._cancel_all()  # it may have taken some of the choices
                self._failed[replica.id] = refused.failed.code
            else:
                replicas.reset(replica.id)
                self.answered.accepted = self.run.accepted
                return

    def __aiter__(self) -> "Routed":
        return self

    async def __anext__(self) -> Piece:
        """Return what is new of one choice. Raises ApiError when the replica fails."""
        while True:
            try:
                piece = await self.run.__anext__()
            except ReplicaRefused as refused:
                raise _refusal(refused.failed) from refused
            except ReplicaLost as lost:
                replicas.trip(self.replica_id)
                if self._sent_any:
                    raise errors.replica_lost() from lost
                self._failed[self.replica_id] = _LOST
                await self.start()
            else:
                # Outputs are sent when they are complete; until then all can be asked again.
                self._sent_any = self._sent_any or not piece.outputs
                self.answered.add(piece)
                return piece

    async def cancel(self) -> None:
        """Stop the runner and wait until it says what it made, or cannot say any more."""
        if self._connection is None or self.run.is_over:
            return
        self._cancel_all()
        try:
            async with asyncio.timeout(_CANCEL_TIMEOUT_S):
                await self.run.wait_ended()
        except TimeoutError:
            log.error("cancel_unanswered", replica=self.replica_id)

    async def _start_on(self, replica: Replica) -> None:
        # Until it is submitted there is nothing to cancel, on this connection or a former one.
        self.replica_id, self.run, self._connection = replica.id, self._new_run(), None
        self.attempts += 1
        self._connection = await connection_to(replica.address)
        for submit in self._submits:
            self._connection.submit(self.run, submit)
        await self.run.started()

    def _new_run(self) -> Run:
        return Run([submit.request_id for submit in self._submits])

    def _cancel_all(self) -> None:
        if self._connection is not None:
            for submit in self._submits:
                self._connection.cancel(submit.request_id)

    async def _pick(self) -> Replica:
        """Return the ready replica to ask: one that knows the prompt, or has the least to do.

        Raises ApiError when there is none.
        """
        announced = await replicas.of_model(self._model)
        able = [
            replica
            for replica in announced
            if replica.state == "ready"
            and replica.id not in self._failed
            and replicas.is_closed(replica.id)
        ]
        if not able:
            raise self._none_able(announced)
        return affinity.pick(self._tenant, self._beginning, able)

    def _none_able(self, announced: list[Replica]) -> ApiError:
        if _LOST in self._failed.values():
            return errors.replica_lost()
        # A replica that is ready all the same has failed others just now.
        states = {"recovering" if one.state == "ready" else one.state for one in announced}
        state = ", ".join(sorted(set(self._failed.values()) or states)) or "none is running"
        preparing = any(replica.state == "fetching" for replica in announced)
        return errors.model_not_ready(
            model=self._model, state=state, retry_after=30 if preparing else 5
        )


def _refusal(failed: wire.Failed) -> ApiError:
    if failed.code in {"draining", "loading", "queue_full"}:
        return errors.replica_lost()
    if failed.code == "deadline_passed":
        return errors.deadline_passed(settings.REQUEST_TIMEOUT_S)
    if failed.code == "out_of_memory":
        return errors.out_of_memory(failed.detail)
    if failed.code in IMAGE_CODES:
        return errors.image_refused(failed.code, failed.detail)
    return errors.replica_failed(failed.code, failed.detail)
