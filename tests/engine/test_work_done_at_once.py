"""What a step decodes and writes of prompts is one forward, unless something is copied between."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from inference.engine.decoder import Part, SlotDecoder
from inference.engine.kernels.decoder import KernelDecoder
from inference.engine.kernels.library import load_kernels
from inference.engine.llama import Llama
from inference.engine.scheduler import Chunk
from inference.engine.sequence import Sequence
from inference.engine.slots import Move
from inference.engine.work import Work
from tests.engine import tiny_models
from tests.engine.test_tiers import WIDE

RUNNING = 2


def sequence(slot: int, cached: int, tokens: int = 100) -> Sequence:
    return cast(Sequence, SimpleNamespace(slot=slot, cached=cached, tokens=list(range(tokens))))


def running() -> list[Sequence]:
    return [sequence(0, 30), sequence(1, 40)]


def chunk(slot: int, *moves: Move, start: int = 0, end: int = 10) -> Chunk:
    return Chunk(sequence(slot, end), start, end, list(moves))


@pytest.mark.parametrize(
    ("moves", "taken"),
    [
        ([], True),
        ([Move(source=7, target=2, length=20)], True),  # of a slot that nobody writes to
        ([Move(source=1, target=2, length=40)], True),  # what was there before
        ([Move(source=1, target=2, length=41)], False),  # and what is only now decoded
        ([Move(source=7, target=0, length=5)], False),  # over a slot that is decoded
    ],
)
def test_a_chunk_goes_along_if_what_it_copies_is_there_before(
    moves: list[Move], taken: bool
) -> None:
    assert Work(running(), mixes=True).takes(chunk(2, *moves)) is taken


def test_a_prompt_that_begins_like_the_chunk_before_waits_for_it() -> None:
    work = Work([], mixes=True)
    work.chunks.append(chunk(2, start=16, end=32))
    assert work.takes(chunk(3, Move(source=2, target=3, length=16)))
    assert not work.takes(chunk(3, Move(source=2, target=3, length=17)))
    assert not work.takes(chunk(3, Move(source=9, target=2, length=1)))


def test_a_decoder_that_does_not_mix_gets_one_thing_at_a_time() -> None:
    assert not Work(running(), mixes=False).takes(chunk(2))
    assert Work([], mixes=False).takes(chunk(2))


def test_only_rows_that_end_somebodys_tokens_are_chosen_from() -> None:
    work = Work(running(), mixes=True)
    half, whole = chunk(2, end=50), chunk(3, start=90, end=100)
    work.chunks += [half, whole]
    assert work.ends == {0: work.running[0], 1: work.running[1], 3: whole.sequence}


@torch.inference_mode()
def test_kernels_give_the_same_bits_at_once_as_one_after_another() -> None:
    def decoder() -> KernelDecoder:
        model: Any = tiny_models.build("llama", **WIDE)
        made = KernelDecoder(Llama(model), load_kernels(), slots=4, context=64)
        for slot in range(RUNNING):
            made.prefill(list(range(5 + slot)), slot, 0)
        return made

    parts = [Part([9, 8, 7, 6], 2, 0), Part([5], 3, 0), Part([1, 2, 3], 2, 4)]
    given = ([11, 12], [5, 6], parts)
    together, apart = decoder().run(*given), SlotDecoder.run(decoder(), *given)
    assert torch.equal(together, apart)
