"""Linears are replaced by faster ones where the model's answer stays, and only there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModel

from inference.engine.kernels.build import KernelsUnavailableError
from inference.engine.kernels.split import SplitLinear, tile_kernels
from inference.engine.kinds.checking import checked_texts
from inference.engine.kinds.linears import Sped, with_fast_linears
from inference.engine.kinds.padded import PaddedRows
from inference.engine.kinds.reading import read_model
from inference.engine.linear import PackedLinear
from inference.engine.task import EMBEDDINGS
from tests.engine.kinds.loaded import loading
from tests.kinds import tiny


def answer(model: Any) -> Tensor:
    return PaddedRows(model).hidden(checked_texts(model, 32))


def linears(model: nn.Module) -> set[type[nn.Module]]:
    kinds = (nn.Linear, PackedLinear, SplitLinear)
    return {type(one) for one in model.modules() if isinstance(one, kinds)}


def sped(directory: Path, how: Callable[[Any], Tensor]) -> Sped:
    tiny.save_embeddings(directory)
    one = loading(directory, EMBEDDINGS)
    with torch.inference_mode():
        return with_fast_linears(lambda: read_model(AutoModel, one), how, one.log)


def test_tiles_are_used_where_the_processor_has_them(tmp_path: Path) -> None:
    try:
        tile_kernels()
    except KernelsUnavailableError as why:
        pytest.skip(str(why))
    model, _, name = sped(tmp_path, answer)
    assert linears(model) == {SplitLinear}
    assert name.endswith("linears on tiles")


@pytest.mark.parametrize(
    ("wrong", "left"),
    [({SplitLinear}, PackedLinear), ({SplitLinear, PackedLinear}, nn.Linear)],
)
def test_linears_that_change_the_answer_are_not_used(
    tmp_path: Path, wrong: set[type[nn.Module]], left: type[nn.Module]
) -> None:
    def spoilt(model: Any) -> Tensor:
        return answer(model) + 0.01 * len(linears(model) & wrong)

    model, expected, _ = sped(tmp_path, spoilt)
    assert linears(model) == {left}
    with torch.inference_mode():
        assert (answer(model) - expected).abs().max() < 1e-4
