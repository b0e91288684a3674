"""The largest logits are those that torch finds the slow way, whatever the vocabulary's size."""

import pytest
import torch

from inference.engine.largest import CHUNK, largest, top

SIZES = [1, 63, CHUNK, 10 * CHUNK, 10 * CHUNK + 1, 100 * CHUNK]
ROWS = 50


@pytest.mark.parametrize("size", SIZES)
def test_the_first_of_equal_ones_is_the_largest(size: int) -> None:
    logits = torch.randint(0, 5, (ROWS, size)).bfloat16()
    values, places = largest(logits)
    rows = logits.tolist()
    assert values.tolist() == [max(row) for row in rows]
    assert places.tolist() == [row.index(max(row)) for row in rows]


@pytest.mark.parametrize("size", SIZES)
def test_a_nan_anywhere_is_the_largest_of_its_row_alone(size: int) -> None:
    logits = torch.randn(3, size)
    logits[1, size // 2] = torch.nan
    assert largest(logits)[0].isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 20, 64])
def test_the_top_is_torchs(size: int, count: int) -> None:
    logits = torch.randn(ROWS, size)
    values, places = top(logits, count)
    wanted, at = logits.topk(min(count, size), -1)
    assert values.equal(wanted)
    assert places.equal(at)


@pytest.mark.parametrize("size", SIZES)
def test_of_equal_ones_each_is_named_once_and_none_larger_is_left_out(size: int) -> None:
    logits = torch.randint(0, 4, (ROWS, size)).float()
    values, places = top(logits, 64)
    assert values.equal(logits.topk(min(64, size), -1).values)
    assert logits.gather(-1, places).equal(values)
    assert all(len(set(row)) == len(row) for row in places.tolist())


def test_minus_infinity_takes_part() -> None:
    logits = torch.full((1, 100 * CHUNK), -torch.inf)
    logits[0, 4321] = 1.0
    values, places = top(logits, 20)
    assert values[0, :2].tolist() == [1.0, -torch.inf]
    assert places[0, 0] == 4321


def test_a_row_is_ordered_the_same_alone_and_among_others() -> None:
    logits = torch.randint(0, 3, (ROWS, 100 * CHUNK)).float()
    _, together = top(logits, 64)
    for row in range(ROWS):
        assert top(logits[row : row + 1], 64)[1][0].equal(together[row])
