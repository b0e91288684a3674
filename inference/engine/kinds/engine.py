"""The engine of what is answered at once: schedule → run → deliver, a batch a step.

Whatever waits when a step begins goes into its batch, up to the best size, and while it runs the
next gathers: a lone request waits for nobody, and many share the steps.
"""

import time
import traceback
from collections import defaultdict
from collections.abc import Hashable
from typing import Final

from inference.engine.deadlines import Deadlines
from inference.engine.fair_queue import FairQueue
from inference.engine.kinds.kind import Answer, Kind, Loading
from inference.engine.kinds.work import Portion, Work, portions_of
from inference.engine.outgoing import Deliver, Outgoing
from inference.engine.submission import Refusal, shared_refusal, wrong_task
from inference.engine.wire import Accepted, Asked, Failed, Finished, Infer, Output, Outputs

MAX_ITEMS: Final = 4096  # of one request
_STOPPING: Final = Refusal("draining", "the runner is shutting down")
_FAILED: Final = Refusal("internal", "the model failed while it answered this request")
_LATE: Final = Refusal("deadline_passed", "the request did not end before its deadline")
_FULL: Final = Refusal("queue_full", "the model's queue is full; try later")


class KindEngine:
    """Runs requests of many connections through one kind of model. Used from one thread."""

    def __init__(self, kind: Kind, loading: Loading, deliver: Deliver) -> None:
        self._kind = kind
        self._config = loading.config
        self._statistics = loading.statistics
        self._log = loading.log
        self._deliver_frames = deliver
        self._queue: FairQueue[Portion] = FairQueue()
        self._deadlines: Deadlines[Work] = Deadlines()
        self._works: dict[tuple[Hashable, str], Work] = {}
        self._outgoing: dict[Hashable, Outgoing] = defaultdict(Outgoing)

    @property
    def busy(self) -> bool:
        return bool(self._works)

    def step(self) -> None:
        """Answer one batch of what waits."""
        began = time.monotonic()
        for late in self._deadlines.passed(began):
            self._fail(late, _LATE)
        batch = self._schedule(began)
        self._deliver(batch, self._run(batch))
        self._statistics.stepped(time.monotonic() - began)
        self.flush()

    def submit(self, connection: Hashable, request: Asked) -> None:
        """Queue a request, or answer why not."""
        refused = self._refusal(connection, request)
        if refused is not None or not isinstance(request, Infer):
            failed = Failed(request.request_id, *(refused or wrong_task(self._config.task)))
            self._outgoing[connection].messages.append(failed)
            return
        now = time.monotonic()
        work = Work(connection, request)
        sizes = [self._kind.size(item) for item in request.items]
        work.portions = portions_of(work, sizes, self._kind.best_batch)
        self._works[work.key] = work
        self._deadlines.add(work, now)
        position, *_ = [self._queue.add(portion, now) for portion in work.portions]
        accepted = Accepted(request.request_id, position, self._wait_of(position))
        self._outgoing[connection].messages.append(accepted)

    def cancel(self, connection: Hashable, request_id: str) -> None:
        """End a request now. One that has ended already was answered already."""
        work = self._works.get((connection, request_id))
        if work is not None:
            self._finish(work, "cancelled")

    def disconnect(self, connection: Hashable) -> None:
        """Cancel everything a connection asked for; nobody is left to tell."""
        for work in [one for one in self._works.values() if one.connection is connection]:
            self._finish(work, "cancelled")
        self._outgoing.pop(connection, None)

    def refuse_waiting(self) -> None:
        """Fail what has not begun, so that it can be sent elsewhere at once."""
        for work in [one for one in self._works.values() if one.started is None]:
            self._fail(work, _STOPPING)

    def abandon(self) -> None:
        """Fail everything that is left."""
        for work in list(self._works.values()):
            self._fail(work, _STOPPING)

    def flush(self) -> None:
        """Hand over what was made since the last time."""
        self._count()
        if self._outgoing:
            outgoing, self._outgoing = self._outgoing, defaultdict(Outgoing)
            self._deliver_frames([(who, made.frames()) for who, made in outgoing.items()])

    def _schedule(self, now: float) -> list[Portion]:
        """Take what waits, by turns, up to the best batch."""
        batch: list[Portion] = []
        room = self._kind.best_batch
        while (first := self._queue.peek(now)) is not None and (first.size <= room or not batch):
            batch.append(self._queue.pop(now))
            room -= first.size
            first.work.portions.remove(first)
            first.work.started = first.work.started or now
        self._count()
        return batch

    def _run(self, batch: list[Portion]) -> list[dict[int, Answer]]:
        """Return the answers of each portion, by their places in its request."""
        try:
            return self._answers(batch)
        except Exception:  # whatever a model raises is the end of a request, not of the runner
            self._log.event("batch_failed", traceback=traceback.format_exc())
        if len(batch) == 1:
            return [dict.fromkeys(batch[0].places, _FAILED)]
        # One request must not fail all others: each by itself.
        return [answers for portion in batch for answers in self._run([portion])]

    def _answers(self, batch: list[Portion]) -> list[dict[int, Answer]]:
        at = [(n, place) for n, portion in enumerate(batch) for place in portion.places]
        items = {where: batch[where[0]].request.items[where[1]] for where in at}
        at.sort(key=lambda where: self._kind.size(items[where]))
        found: list[dict[int, Answer]] = [{} for _ in batch]
        run = self._kind.run([items[where] for where in at]) if at else []
        for (n, place), answer in zip(at, run, strict=True):
            found[n][place] = answer
        return found

    def _deliver(self, batch: list[Portion], answers: list[dict[int, Answer]]) -> None:
        for portion, found in zip(batch, answers, strict=True):
            work = portion.work
            if work.key not in self._works:
                continue  # another portion of it failed
            refused = next((one for one in found.values() if isinstance(one, Refusal)), None)
            if refused is not None:
                self._fail(work, refused)
                continue
            self._send(work, {n: one for n, one in found.items() if not isinstance(one, Refusal)})
            if not work.left:
                self._finish(work, "stop")

    def _send(self, work: Work, outputs: dict[int, Output]) -> None:
        for place in outputs:
            work.count(work.request.items[place])
        message = Outputs(work.request.request_id, list(outputs.items()))
        self._outgoing[work.connection].messages.append(message)

    def _finish(self, work: Work, reason: str) -> None:
        self._forget(work, reason)
        finished = Finished(work.request.request_id, reason, work.usage())
        self._outgoing[work.connection].endings.append(finished)
        if reason != "cancelled":
            self._statistics.finished(work.service_seconds(), work.service_seconds())

    def _fail(self, work: Work, why: Refusal) -> None:
        self._forget(work, why.code)
        failed = Failed(work.request.request_id, why.code, why.detail, work.usage())
        self._outgoing[work.connection].endings.append(failed)

    def _forget(self, work: Work, outcome: str) -> None:
        del self._works[work.key]
        self._deadlines.forget(work)
        for portion in work.portions:
            self._queue.remove(portion)
        self._statistics.prompt_tokens += work.tokens
        self._log_end(work, outcome)

    def _refusal(self, connection: Hashable, request: Asked) -> Refusal | None:
        if (connection, request.request_id) in self._works:
            return Refusal("duplicate_request_id", "a request with this id is running already")
        if not isinstance(request, Infer):
            return None  # the caller's
        if len(self._works) >= self._config.max_waiting + self._config.slots:
            return _FULL
        if not 1 <= len(request.items) <= MAX_ITEMS:
            return Refusal("invalid_items", f"a request holds 1 to {MAX_ITEMS} items")
        faults = (self._kind.refusal(item) for item in request.items)
        return shared_refusal(request) or next(filter(None, faults), None)

    def _count(self) -> None:
        running = sum(work.started is not None for work in self._works.values())
        self._statistics.running = running
        self._statistics.waiting = len(self._works) - running
        self._statistics.estimated_wait_s = self._wait_of(len(self._queue))

    def _wait_of(self, portions: int) -> float:
        """Return in how many seconds what is behind so many portions will be begun, at most."""
        return portions * self._statistics.mean_step_s

    def _log_end(self, work: Work, outcome: str) -> None:
        usage = work.usage()
        self._log.event(
            "request_finished",
            request_id=work.request.request_id,
            outcome=outcome,
            items=len(work.request.items),
            prompt_tokens=usage.prompt_tokens,
            images=usage.images,
            queue_ms=round(usage.queue_s * 1e3, 1),
            total_ms=round(usage.total_s * 1e3, 1),
        )
