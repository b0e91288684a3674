"""The frame that every kind of one-shot work shares: batches, turns, ends and failures."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from inference.engine.config import RunnerConfig
from inference.engine.kinds.engine import KindEngine
from inference.engine.kinds.kind import Answer, Loading
from inference.engine.kinds.work import token_count
from inference.engine.log import Log
from inference.engine.statistics import Statistics
from inference.engine.submission import Refusal
from inference.engine.wire import (
    Accepted,
    Failed,
    Finished,
    Infer,
    Item,
    Message,
    Outputs,
    Submit,
    Tokens,
    Vector,
)
from tests.engine.kinds.loaded import text

POISON, BROKEN, REFUSED = 13, 14, 15  # token ids that the kind below cannot cope with


class Echo:
    """Answers each text with itself; what it was given together is there to look at."""

    best_batch = 10

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []

    def refusal(self, item: Item) -> Refusal | None:
        refused = isinstance(item, Tokens) and item.ids[0] == REFUSED
        return Refusal("invalid_prompt", "not this one") if refused else None

    def size(self, item: Item) -> int:
        return token_count(item) if isinstance(item, Tokens) else 1

    def run(self, items: Sequence[Item]) -> list[Answer]:
        texts = [item for item in items if isinstance(item, Tokens)]
        self.batches.append([one.ids for one in texts])
        if any(one.ids[0] == BROKEN for one in texts):
            raise RuntimeError
        nothing = Refusal("bad_output", "not a number")
        return [nothing if one.ids[0] == POISON else Vector(one.ids) for one in texts]


class Bench:
    """An engine, and what it sent."""

    def __init__(self, **settings: Any) -> None:
        config = RunnerConfig(model="m", directory="", socket="", task="embeddings", **settings)
        self.kind = Echo()
        self.statistics = Statistics()
        directory: Any = Path()  # only a kind's own loading looks at it
        loading = Loading(config, directory, self.statistics, Log("m"))
        self.sent: list[tuple[Hashable, Message]] = []
        self.engine = KindEngine(self.kind, loading, self._deliver)

    def _deliver(self, frames: list[tuple[Hashable, list[Message]]]) -> None:
        self.sent += [(who, message) for who, messages in frames for message in messages]

    def ask(self, name: str, *texts: list[int], who: str = "web", **fields: Any) -> None:
        self.engine.submit(who, Infer(name, [text(ids) for ids in texts], **fields))

    def run(self) -> None:
        while self.engine.busy:
            self.engine.step()
        self.engine.flush()

    def end(self, name: str) -> Finished | Failed:
        (end,) = [
            message
            for _, message in self.sent
            if isinstance(message, Finished | Failed) and message.request_id == name
        ]
        return end

    def outputs(self, name: str) -> dict[int, bytes]:
        return {
            place: output.values
            for _, message in self.sent
            if isinstance(message, Outputs) and message.request_id == name
            for place, output in message.items
            if isinstance(output, Vector)
        }


def ids(number: int, length: int = 2) -> list[int]:
    return [number] * length


def test_a_lone_request_is_answered_by_the_next_step() -> None:
    bench = Bench()
    bench.ask("a", ids(1), ids(2))
    bench.engine.step()
    assert bench.outputs("a") == {0: text(ids(1)).ids, 1: text(ids(2)).ids}
    end = bench.end("a")
    assert isinstance(end, Finished)
    assert (end.reason, end.usage.prompt_tokens, end.usage.completion_tokens) == ("stop", 4, 0)
    accepted = [message for _, message in bench.sent if isinstance(message, Accepted)]
    assert [one.position for one in accepted] == [0]


def test_what_waits_when_a_step_begins_shares_it() -> None:
    bench = Bench()
    for name in "abc":
        bench.ask(name, ids(ord(name)))
    bench.engine.step()
    assert len(bench.kind.batches) == 1
    assert len(bench.kind.batches[0]) == 3


def test_a_batch_is_no_larger_than_the_best_and_its_items_are_sorted_by_length() -> None:
    bench = Bench()
    bench.ask("a", *(ids(n, length) for n, length in enumerate([5, 1, 4, 2, 3, 7], start=1)))
    bench.run()
    lengths = [[len(one) // 4 for one in batch] for batch in bench.kind.batches]
    assert all(sum(batch) <= bench.kind.best_batch for batch in lengths)
    assert lengths == [sorted(batch) for batch in lengths]
    assert len(bench.outputs("a")) == 6


def test_an_item_larger_than_a_batch_runs_by_itself() -> None:
    bench = Bench()
    bench.ask("a", ids(1, 25), ids(2))
    bench.run()
    assert bench.outputs("a")[0] == text(ids(1, 25)).ids


def test_a_large_request_of_one_tenant_does_not_hold_up_another() -> None:
    bench = Bench()
    bench.ask("large", *(ids(1, 5) for _ in range(40)), tenant="a")
    bench.engine.step()
    bench.ask("small", ids(2), tenant="b")
    bench.engine.step()
    bench.engine.step()
    assert isinstance(bench.end("small"), Finished)
    assert len(bench.outputs("large")) < 40
    bench.run()
    assert len(bench.outputs("large")) == 40


def test_interactive_requests_go_before_jobs() -> None:
    bench = Bench()
    bench.ask("job", ids(1, 8), priority=1)
    bench.ask("now", ids(2, 8), priority=0)
    bench.engine.step()
    assert isinstance(bench.end("now"), Finished)
    assert not bench.outputs("job")


def test_what_is_not_a_number_fails_its_request_and_no_other() -> None:
    bench = Bench()
    bench.ask("bad", ids(1), ids(POISON))
    bench.ask("good", ids(2))
    bench.run()
    end = bench.end("bad")
    assert isinstance(end, Failed)
    assert end.code == "bad_output"
    assert isinstance(bench.end("good"), Finished)


def test_what_breaks_the_model_fails_its_request_and_no_other() -> None:
    bench = Bench()
    bench.ask("bad", ids(BROKEN))
    bench.ask("good", ids(2))
    bench.run()
    end = bench.end("bad")
    assert isinstance(end, Failed)
    assert end.code == "internal"
    assert isinstance(bench.end("good"), Finished)


def test_a_failure_in_one_portion_ends_the_others_of_its_request() -> None:
    bench = Bench()
    bench.ask("bad", ids(POISON, 8), *(ids(1, 9) for _ in range(20)))
    bench.run()
    assert isinstance(bench.end("bad"), Failed)
    assert len(bench.kind.batches) == 1


def test_cancelling_says_what_was_done_until_then() -> None:
    bench = Bench()
    bench.ask("a", *(ids(1, 9) for _ in range(5)))
    bench.engine.step()
    bench.engine.cancel("web", "a")
    bench.run()
    end = bench.end("a")
    assert isinstance(end, Finished)
    assert (end.reason, end.usage.prompt_tokens) == ("cancelled", 9)
    assert len(bench.kind.batches) == 1


def test_a_deadline_that_passed_ends_a_request_that_waits() -> None:
    bench = Bench()
    bench.ask("late", ids(1), deadline_s=1e-9)
    bench.run()
    end = bench.end("late")
    assert isinstance(end, Failed)
    assert end.code == "deadline_passed"


def test_whoever_goes_away_leaves_no_work_behind() -> None:
    bench = Bench()
    bench.ask("a", ids(1), who="gone")
    bench.ask("b", ids(2), who="here")
    bench.engine.disconnect("gone")
    bench.run()
    assert bench.kind.batches == [[text(ids(2)).ids]]
    assert {who for who, _ in bench.sent} == {"here"}


def test_a_runner_that_ends_gives_back_what_has_not_begun() -> None:
    bench = Bench()
    bench.ask("begun", *(ids(1, 9) for _ in range(3)))
    bench.engine.step()
    bench.ask("waits", ids(2))
    bench.engine.refuse_waiting()
    bench.run()
    end = bench.end("waits")
    assert isinstance(end, Failed)
    assert end.code == "draining"
    assert isinstance(bench.end("begun"), Finished)


def test_the_queue_is_bounded() -> None:
    bench = Bench(slots=1, max_waiting=2)
    for name in "abcd":
        bench.ask(name, ids(1))
    bench.engine.flush()
    end = bench.end("d")
    assert isinstance(end, Failed)
    assert end.code == "queue_full"


def test_bad_requests_are_refused_by_name() -> None:
    bench = Bench()
    bench.ask("empty")
    bench.ask("refused", ids(1), ids(REFUSED))
    bench.ask("hurried", ids(1), deadline_s=-1.0)
    bench.engine.submit("web", Submit("text", [1], 4))
    bench.ask("twice", ids(1))
    bench.ask("twice", ids(1))
    bench.engine.flush()
    failed = {m.request_id: m.code for _, m in bench.sent if isinstance(m, Failed)}
    assert failed == {
        "empty": "invalid_items",
        "refused": "invalid_prompt",
        "hurried": "invalid_deadline",
        "text": "wrong_task",
        "twice": "duplicate_request_id",
    }


def test_the_statistics_say_what_runs_and_what_waits() -> None:
    bench = Bench()
    bench.ask("a", *(ids(1, 9) for _ in range(3)))
    bench.engine.step()
    bench.ask("b", ids(1))
    bench.engine.flush()
    assert (bench.statistics.running, bench.statistics.waiting) == (1, 1)
    assert bench.statistics.steps == 1
    bench.run()
    assert (bench.statistics.running, bench.statistics.waiting) == (0, 0)
    assert bench.statistics.prompt_tokens == 29
    assert bench.statistics.mean_request_s > 0
