"""What slots are known to hold in common."""

from inference.engine.kernels.contents import Contents


def contents() -> Contents:
    return Contents(slots=4, stretches=3, length=10)


def shared(known: Contents, one: int, other: int) -> int:
    """Return how many stretches two slots are known to have in common."""
    pairs = zip(known.numbers[one].tolist(), known.numbers[other].tolist(), strict=True)
    return [a == b != 0 for a, b in pairs].count(True)


def test_nothing_is_shared_before_anything_was_copied() -> None:
    known = contents()
    known.written(0, 0)
    assert not shared(known, 0, 1)


def test_a_copy_shares_the_whole_stretches_that_were_copied() -> None:
    known = contents()
    known.copied(0, 1, 29)
    known.copied(0, 2, 9)
    assert [shared(known, 0, 1), shared(known, 0, 2)] == [2, 0]


def test_copies_of_a_copy_share_with_the_first() -> None:
    known = contents()
    known.copied(0, 1, 30)
    known.copied(1, 2, 20)
    assert [shared(known, 0, 2), shared(known, 1, 2)] == [2, 2]


def test_longer_copies_are_shared_beyond_an_earlier_short_one() -> None:
    known = contents()
    known.copied(0, 1, 10)
    known.written(1, 10)
    known.copied(1, 2, 30)
    assert [shared(known, 0, 2), shared(known, 1, 2)] == [1, 3]


def test_what_is_written_over_is_not_shared_from_there_on() -> None:
    known = contents()
    known.copied(0, 1, 30)
    known.written(1, 15)
    assert [shared(known, 0, 1), shared(known, 1, 0)] == [1, 1]
    known.copied(1, 2, 30)
    assert [shared(known, 0, 2), shared(known, 1, 2)] == [1, 3]


def test_a_slot_that_is_copied_over_loses_what_it_had() -> None:
    known = contents()
    known.copied(0, 1, 30)
    known.copied(2, 1, 10)
    assert [shared(known, 0, 1), shared(known, 2, 1)] == [0, 1]


def test_writing_behind_what_is_shared_changes_nothing() -> None:
    known = contents()
    known.copied(0, 1, 20)
    known.written(0, 20)
    known.written(1, 29)
    assert shared(known, 0, 1) == 2
