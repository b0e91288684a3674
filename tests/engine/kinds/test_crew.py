"""A batch is computed in parts, and each answer is where it belongs."""

import threading
from collections.abc import Iterator, Sequence

import pytest
import torch

from inference.engine.kinds.crew import LEAST_PART, Crew, parts_of
from inference.engine.kinds.kind import Answer
from inference.engine.wire import Item, Tokens, Vector


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Answering:
    """Answers each item with its own bytes and notes who was asked for what."""

    def __init__(self) -> None:
        self.parts: list[int] = []
        self.threads: set[str] = set()
        self.cores: set[int] = set()
        self.inference: set[bool] = set()

    def __call__(self, items: Sequence[Item]) -> list[Answer]:
        self.parts.append(len(items))
        self.threads.add(threading.current_thread().name)
        self.cores.add(torch.get_num_threads())
        self.inference.add(torch.is_inference_mode_enabled())
        return [Vector(item.ids) for item in items if isinstance(item, Tokens)]


def items(count: int) -> list[Item]:
    return [Tokens(bytes([number, 0, 0, 0])) for number in range(count)]


def test_a_large_batch_goes_to_threads_that_have_one_core_each() -> None:
    answering, asked = Answering(), items(8)
    answers = Crew().run(answering, asked, [LEAST_PART] * 8)
    assert [one.values for one in answers if isinstance(one, Vector)] == [
        one.ids for one in asked if isinstance(one, Tokens)
    ]
    assert answering.parts == [4, 4]
    assert answering.cores == {1}
    assert answering.inference == {True}
    assert torch.get_num_threads() == 2


def test_a_small_batch_stays_whole_and_has_all_cores() -> None:
    answering = Answering()
    Crew().run(answering, items(3), [LEAST_PART // 2] * 3)
    assert answering.parts == [3]
    assert answering.threads == {threading.current_thread().name}
    assert answering.cores == {2}


def test_what_one_part_raises_is_raised() -> None:
    def failing(_: Sequence[Item]) -> list[Answer]:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        Crew().run(failing, items(2), [LEAST_PART] * 2)


@pytest.mark.parametrize(
    ("sizes", "count", "parts"),
    [
        ([1, 1, 1, 1], 2, ["ab", "cd"]),
        ([1, 2, 3], 2, ["ab", "c"]),
        ([1, 1, 8], 2, ["ab", "c"]),
        ([9], 2, ["a"]),
        ([1, 1], 0, ["ab"]),
        ([1, 1], 5, ["a", "b"]),
    ],
)
def test_parts_are_about_equal_and_none_is_empty(
    sizes: list[int], count: int, parts: list[str]
) -> None:
    made = parts_of("abcdefgh"[: len(sizes)], sizes, count)
    assert "".join("".join(part) for part in made) == "abcdefgh"[: len(sizes)]
    assert ["".join(part) for part in made] == parts
