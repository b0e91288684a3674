"""What is left to each kind beside the others, and what chat is owed."""

from benchmarks.chat_stream import Stream
from benchmarks.kinds_beside_chat import Kind, Seen, Table, share_of, tokens_until


async def load(_: float) -> Seen:
    return Seen(0.0, 0.0)


def test_the_table_has_medians_and_the_longest_wait_of_all_rounds() -> None:
    kind = Kind("tokens", "mini", 8, load)
    table = Table([kind])
    for rate, longest in ((100.0, 0.5), (90.0, 2.0), (300.0, 0.1)):
        table.add(kind, "alone", Seen(rate, longest))
        table.add(kind, "together", Seen(rate / 2, longest * 2))
    assert table.lines()[2:] == ["| tokens/s | 8 | 100 | 50 | 50% | 2.00 s | 4.00 s |"]
    assert table.of_alone(kind) == 0.5
    assert table.longest_s(kind, "together") == 4.0


def test_chat_is_owed_all_its_speed_until_more_threads_are_given_than_there_are_cores() -> None:
    assert share_of([1, 1, 2], cores=4) == 1.0
    assert share_of([4, 4, 2], cores=4) == 0.4


def test_only_the_tokens_that_had_arrived_count() -> None:
    stream = Stream(began=0.0, arrivals=[1.0, 2.0, 3.0, 4.0], tokens=8)
    assert tokens_until(3.0, stream) == 6.0
    assert tokens_until(0.5, stream) == 0.0
