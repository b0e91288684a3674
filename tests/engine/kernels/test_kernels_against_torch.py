"""Each kernel computes what torch computes, over random shapes, tails and alignments."""

import ctypes

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from inference.engine.kernels.build import targets_here
from inference.engine.kernels.library import Kernels, load_target
from inference.engine.kernels.linear import KernelLinear

ROUNDS = range(25)


# Not only what would be chosen here: a processor that has more runs what was made for less.
@pytest.fixture(params=targets_here(), ids=lambda target: target.name, scope="module")
def kernels(request: pytest.FixtureRequest) -> Kernels:
    kernels = load_target(request.param)
    if not kernels.permitted:
        pytest.skip(f"the system withholds what {request.param.name} needs")
    return kernels


def source(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def between(least: int, most: int, generator: torch.Generator) -> int:
    return int(torch.randint(least, most + 1, (), generator=generator))


def inputs_of(generator: torch.Generator) -> int:
    """Return any even number, or one that divides into matrix tiles."""
    unit = 2 if between(0, 1, generator) else 32
    return unit * between(1, 1500 // unit, generator)


def unaligned(values: Tensor, generator: torch.Generator) -> Tensor:
    """Return a copy that begins anywhere in a cache line."""
    skipped = between(0, 15, generator)
    room = torch.empty(values.numel() + skipped, dtype=values.dtype)
    return room[skipped:].view(values.shape).copy_(values)


@pytest.mark.parametrize("seed", ROUNDS)
def test_a_linear_gives_what_torch_gives(kernels: Kernels, seed: int) -> None:
    generator = source(seed)
    outputs, inputs = between(1, 300, generator), inputs_of(generator)
    rows = between(1, 70, generator)
    weight = torch.randn(outputs, inputs, generator=generator).bfloat16()
    bias = torch.randn(outputs, generator=generator) if seed % 2 else None
    x = torch.randn(rows, inputs, generator=generator).to(kernels.activation)
    made = KernelLinear(weight, bias, kernels)(unaligned(x, generator).float())
    wanted = functional.linear(x.double(), weight.double(), None if bias is None else bias.double())
    torch.testing.assert_close(made.double(), wanted, atol=2e-3, rtol=1e-4)


@pytest.mark.parametrize("seed", ROUNDS)
def test_a_row_of_a_linear_is_the_same_to_the_bit_in_any_company(
    kernels: Kernels, seed: int
) -> None:
    generator = source(seed)
    outputs, inputs = between(1, 200, generator), inputs_of(generator)
    layer = KernelLinear(torch.randn(outputs, inputs, generator=generator), None, kernels)
    x = torch.randn(70, inputs, generator=generator)
    alone = torch.cat([layer(row[None]) for row in x])
    for rows in (2, 3, 5, 6, 13, 48, 49, 70):
        assert torch.equal(layer(x[:rows]), alone[:rows])


@pytest.mark.parametrize("seed", ROUNDS)
def test_ragged_attention_gives_what_torch_gives(kernels: Kernels, seed: int) -> None:
    generator = source(seed)
    size = 16 * between(1, 8, generator)
    kv_heads, group = between(1, 3, generator), between(1, 9, generator)
    slots, context, rows = 4, between(1, 900, generator), between(1, 12, generator)
    keys, values = (
        torch.randn(slots, kv_heads, context, size, generator=generator).bfloat16()
        for _ in range(2)
    )
    queries = torch.randn(rows, kv_heads * group, size, generator=generator)
    at = torch.randint(0, context, (rows,), generator=generator)
    slot = torch.randint(0, slots, (rows,), generator=generator)
    made = attention(kernels, keys, values, queries, slot, at, threads=between(1, 3, generator))
    for row in range(rows):
        seen = slice(0, int(at[row]) + 1)
        wanted = functional.scaled_dot_product_attention(
            queries[row].view(kv_heads, group, size),
            keys[slot[row], :, seen].float(),
            values[slot[row], :, seen].float(),
        ).view(-1, size)
        # Where linears read bfloat16 that is what attention hands them.
        tolerance = 1e-5 if kernels.activation == torch.float32 else 1e-2
        torch.testing.assert_close(made[row], wanted, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("seed", ROUNDS)
def test_rows_of_a_prompt_attend_together_as_they_do_alone(kernels: Kernels, seed: int) -> None:
    generator = source(seed)
    size, kv_heads, group = 32 * between(1, 4, generator), 2, between(1, 20, generator)
    rows, start = between(1, 40, generator), between(0, 600, generator)
    keys, values = (
        torch.randn(2, kv_heads, start + rows, size, generator=generator).bfloat16()
        for _ in range(2)
    )
    # What lies behind a slot's newest token may be anything.
    keys, values = (
        torch.cat([stored, torch.full_like(stored[:, :, :40], torch.nan)], 2).contiguous()
        for stored in (keys, values)
    )
    queries = torch.randn(rows, kv_heads * group, size, generator=generator)
    slots, at = torch.ones(rows).long(), torch.arange(start, start + rows)
    made = attention(kernels, keys, values, queries, slots, at, threads=2)
    for row in range(rows):
        one = slice(row, row + 1)
        alone = attention(kernels, keys, values, queries[one], slots[one], at[one], threads=2)
        assert torch.equal(made[one], alone)


@pytest.mark.parametrize("seed", ROUNDS)
def test_rows_that_share_what_they_look_back_on_attend_as_they_do_alone(
    kernels: Kernels, seed: int
) -> None:
    generator = source(seed)
    length = kernels.library.stretch_length()
    size, kv_heads, group = 32 * between(1, 4, generator), 3, between(1, 20, generator)
    slots, context = 8, length * 5 + 40
    keys, values = (
        torch.randn(slots, kv_heads, context, size, generator=generator).bfloat16()
        for _ in range(2)
    )
    contents = torch.zeros(slots, 5, dtype=torch.int64)
    # A tree: all but the last two slots begin alike, some of them go on alike.
    for first, last, stretches in ((0, 6, between(1, 2, generator)), (2, 5, 3), (3, 5, 5)):
        for cache in (keys, values):
            cache[first:last, :, : stretches * length] = cache[first, :, : stretches * length]
        contents[first:last, :stretches] = 10 * first + 1 + torch.arange(stretches)
    rows = between(8, 30, generator)
    slot = torch.randint(slots, (rows,), generator=generator)
    at = torch.randint(context, (rows,), generator=generator)
    queries = torch.randn(rows, kv_heads * group, size, generator=generator)
    given = (kernels, keys, values, queries, slot, at)
    made = attention(*given, threads=2, contents=contents)
    assert torch.equal(made, attention(*given, threads=2))


def test_what_slots_are_said_to_share_is_read_in_one_of_them_only(kernels: Kernels) -> None:
    generator = source(2)
    length = kernels.library.stretch_length()
    keys, values = (
        torch.randn(16, 2, length + 1, 64, generator=generator).bfloat16() for _ in range(2)
    )
    queries = torch.randn(16, 6, 64, generator=generator)
    given = (kernels, keys, values, queries, torch.arange(16), torch.full((16,), length))
    alone = attention(*given, threads=2)
    made = attention(*given, threads=2, contents=torch.ones(16, 1, dtype=torch.int64))
    # It is not so, and only the row whose slot was read in does not notice.
    assert [torch.equal(*both) for both in zip(made, alone, strict=True)].count(True) == 1


def attention(
    kernels: Kernels,
    keys: Tensor,
    values: Tensor,
    queries: Tensor,
    slots: Tensor,
    at: Tensor,
    *,
    threads: int,
    contents: Tensor | None = None,
) -> Tensor:
    out = torch.empty_like(queries)
    rows, heads, _ = queries.shape
    kernels.library.apply_attention(
        keys.data_ptr(), values.data_ptr(), *keys.shape, queries.data_ptr(), heads,
        slots.data_ptr(), at.data_ptr(), rows,
        None if contents is None else contents.data_ptr(), out.data_ptr(), threads,
    )  # fmt: skip
    return out


def test_a_long_row_is_the_same_to_the_bit_with_any_number_of_threads(
    kernels: Kernels,
) -> None:
    generator = source(1)
    keys, values = (torch.randn(2, 1, 2000, 64, generator=generator).bfloat16() for _ in range(2))
    queries = torch.randn(1, 4, 64, generator=generator)
    slots, at = torch.tensor([1]), torch.tensor([1999])
    # One thread takes the row whole, four share its stretches.
    outs = [attention(kernels, keys, values, queries, slots, at, threads=n) for n in (1, 2, 4)]
    assert torch.equal(outs[0], outs[1])
    assert torch.equal(outs[0], outs[2])


@pytest.mark.parametrize("size", [16, 48, 576, 4096])
def test_norm_and_gate_give_what_torch_gives(kernels: Kernels, size: int) -> None:
    library, generator = kernels.library, source(size)
    x, weight, up = (torch.randn(3, size, generator=generator) * 8 for _ in range(3))
    made = torch.empty_like(x)
    address = ctypes.c_void_p(x.data_ptr())
    library.apply_rms_norm(address, weight.data_ptr(), 1e-5, 3, size, made.data_ptr())
    torch.testing.assert_close(made, functional.rms_norm(x, (size,), weight[0], 1e-5))
    # Both ends of the exponential: gates so small that nothing is left, so large that all is.
    x[0, :2] = torch.tensor([-200.0, 200.0])
    pairs = torch.stack([x.view(-1, kernels.lanes), up.view(-1, kernels.lanes)], 1).contiguous()
    library.apply_gate(pairs.data_ptr(), x.numel(), made.data_ptr())
    torch.testing.assert_close(made, functional.silu(x) * up)


def test_what_is_not_a_number_stays_so(kernels: Kernels) -> None:
    layer = KernelLinear(torch.ones(4, 32), None, kernels)
    x = torch.zeros(3, 32)
    x[1, 5] = torch.nan
    assert layer(x).isnan().all(-1).tolist() == [False, True, False]
    keys = torch.zeros(1, 1, 8, 16, dtype=torch.bfloat16)
    keys[0, 0, 3, 0] = torch.nan
    rows = torch.tensor([2, 3])
    out = attention(
        kernels, keys, keys, torch.ones(2, 1, 16), torch.zeros(2).long(), rows, threads=1
    )
    assert out.isnan().any(-1).flatten().tolist() == [False, True]


def test_an_odd_number_of_inputs_is_refused(kernels: Kernels) -> None:
    with pytest.raises(ValueError, match="even"):
        KernelLinear(torch.ones(4, 33), None, kernels)
