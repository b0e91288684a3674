"""Linears on tiles give what float32 gives but for rounding, each row whatever its company."""

import pytest
import torch

from inference.engine.kernels.build import KernelsUnavailableError
from inference.engine.kernels.split import Scratch, SplitLinear, tile_kernels

SHAPES = [(1, 1, 1), (16, 32, 32), (17, 33, 31), (31, 64, 100), (200, 100, 384), (130, 384, 70)]


def layer(outputs: int, inputs: int, *, bias: bool = True) -> tuple[SplitLinear, torch.Tensor]:
    """Return a layer, and its weight and bias in one."""
    try:
        kernels = tile_kernels()
    except KernelsUnavailableError as why:
        pytest.skip(str(why))
    whole = torch.randn(outputs, inputs + 1, generator=torch.Generator().manual_seed(1))
    weight = whole[:, :inputs]
    return SplitLinear(weight, whole[:, inputs] if bias else None, kernels, Scratch()), whole


def numbers(rows: int, inputs: int) -> torch.Tensor:
    return torch.randn(rows, inputs, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("rows", "outputs", "inputs"), SHAPES)
@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_it_loses_at_most_what_two_halves_do_not_hold(
    rows: int, outputs: int, inputs: int, bias: bool
) -> None:
    linear, whole = layer(outputs, inputs, bias=bias)
    x = numbers(rows, inputs)
    weight, added = whole[:, :inputs].double(), whole[:, inputs].double() * bias
    expected = x.double() @ weight.T + added
    # Each factor keeps 16 bits, and the product of what is below the first 8 is left out.
    bound = (x.abs().double() @ weight.abs().T + added.abs()) * 2**-15
    assert ((linear(x).double() - expected).abs() <= bound).all()


@torch.inference_mode()
def test_a_row_gives_the_same_bits_alone_and_in_company() -> None:
    linear, _ = layer(100, 384)
    x = numbers(300, 384)
    together = linear(x)
    assert torch.equal(torch.cat([linear(row[None]) for row in x]), together)
    assert torch.equal(linear(x[7:50]), together[7:50])


@torch.inference_mode()
def test_leading_dimensions_stay() -> None:
    linear, _ = layer(5, 8)
    x = numbers(6, 8)
    assert torch.equal(linear(x.view(2, 3, 8)), linear(x).view(2, 3, 5))
    assert linear(x[:0]).shape == (0, 5)


@torch.inference_mode()
def test_what_is_no_number_stays_none() -> None:
    linear, _ = layer(40, 40)
    x = numbers(3, 40)
    x[1, 3] = torch.nan
    assert linear(x).isnan().all(dim=1).tolist() == [False, True, False]
