"""Who goes next: by class, by what a tenant was served, and nobody never."""

from hypothesis import given
from hypothesis import strategies as st

from inference.engine.completion_text import CompletionText
from inference.engine.fair_queue import AGEING_S, FairQueue
from inference.engine.sequence import Sequence
from inference.engine.uniforms import UniformStream
from inference.engine.wire import Submit


def sequence(
    name: str, tenant: str = "a", *, tokens: int = 10, priority: int = 0, weight: float = 1.0
) -> Sequence:
    request = Submit(name, [1] * tokens, tokens, tenant=tenant, priority=priority, weight=weight)
    unused: CompletionText = None  # type: ignore[assignment]  # the queue never looks at it
    return Sequence("gateway", request, unused, UniformStream(0), frozenset())


def order(queue: FairQueue[Sequence], now: float = 0.0) -> list[str]:
    names = []
    while queue:
        first = queue.peek(now)
        assert queue.pop(now) is first
        assert first is not None
        names.append(first.request.request_id)
    return names


def test_a_newcomer_goes_before_the_backlog_of_another() -> None:
    queue: FairQueue[Sequence] = FairQueue()
    for number in range(100):
        queue.add(sequence(f"a{number}"), 0.0)
    for _ in range(10):
        queue.pop(0.0)
    assert queue.add(sequence("b0", "b"), 0.0) == 0
    assert queue.add(sequence("b1", "b"), 0.0) == 2
    assert order(queue)[:5] == ["b0", "a10", "b1", "a11", "a12"]


def test_long_requests_count_for_more_than_short_ones() -> None:
    queue: FairQueue[Sequence] = FairQueue()
    for number in range(4):
        queue.add(sequence(f"long{number}", "a", tokens=40), 0.0)
        queue.add(sequence(f"short{number}", "b", tokens=10), 0.0)
    names = order(queue)
    assert names[:6] == ["long0", "short0", "short1", "short2", "short3", "long1"]


def test_twice_the_weight_is_served_twice_as_often() -> None:
    queue: FairQueue[Sequence] = FairQueue()
    for number in range(30):
        queue.add(sequence(f"a{number}", "a", weight=2.0), 0.0)
        queue.add(sequence(f"b{number}", "b"), 0.0)
    first = order(queue)[:30]
    assert sum(name.startswith("a") for name in first) == 20


def test_interactive_goes_before_jobs_and_jobs_before_batches() -> None:
    queue: FairQueue[Sequence] = FairQueue()
    queue.add(sequence("batch", priority=2), 0.0)
    queue.add(sequence("job", priority=1), 0.0)
    assert queue.add(sequence("chat"), 0.0) == 0
    assert queue.add(sequence("another batch", "b", priority=2), 0.0) == 3
    assert order(queue) == ["chat", "job", "batch", "another batch"]


def test_a_batch_is_served_now_and_then_however_much_is_more_urgent() -> None:
    queue: FairQueue[Sequence] = FairQueue()
    for number in range(50):
        queue.add(sequence(f"chat{number}"), 0.0)
        queue.add(sequence(f"batch{number}", "b", priority=2), 0.0)
    served = [queue.pop(second).request.request_id for second in range(41)]
    assert [name for name in served if name.startswith("batch")] == [
        f"batch{n}" for n in range(int(40 // AGEING_S))
    ]


def test_what_was_charged_and_not_made_is_given_back() -> None:
    queue: FairQueue[Sequence] = FairQueue()
    for number in range(3):
        queue.add(sequence(f"a{number}", "a", tokens=100), 0.0)
        queue.add(sequence(f"b{number}", "b", tokens=100), 0.0)
    ended, _ = queue.pop(0.0), queue.pop(0.0)
    ended.generated = 1
    queue.refund(ended)
    assert order(queue)[0] == "a1"


def test_a_tenant_that_was_away_saves_nothing_up() -> None:
    queue: FairQueue[Sequence] = FairQueue()
    queue.add(sequence("b", "b"), 0.0)
    for number in range(20):
        queue.add(sequence(f"a{number}"), 0.0)
    for _ in range(10):
        queue.pop(0.0)
    for number in range(5):
        queue.add(sequence(f"b{number}", "b"), 0.0)
    names = order(queue)[:6]
    assert 2 <= sum(name.startswith("b") for name in names) <= 3


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.integers(1, 50)), max_size=25),
    st.integers(0, 10),
)
def test_the_position_is_the_number_that_are_served_before(
    wanted: list[tuple[str, int, int]], served: int
) -> None:
    queue: FairQueue[Sequence] = FairQueue()
    for number, (tenant, priority, tokens) in enumerate(wanted):
        queue.add(sequence(str(number), tenant, tokens=tokens, priority=priority), 0.0)
    for _ in range(min(served, len(queue))):
        queue.pop(0.0)
    position = queue.add(sequence("mine", "b", priority=1), 0.0)
    assert order(queue).index("mine") == position


def test_what_is_removed_is_not_served_and_what_is_put_back_is_next_of_its_tenant() -> None:
    queue: FairQueue[Sequence] = FairQueue()
    gone, interrupted = sequence("gone"), sequence("interrupted")
    for each in (interrupted, gone, sequence("last")):
        queue.add(each, 0.0)
    assert queue.pop(0.0) is interrupted
    queue.put_back(interrupted, 0.0)
    queue.remove(gone)
    assert order(queue) == ["interrupted", "last"]
