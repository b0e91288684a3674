"""A sliding layer keeps its window and no more, and what comes out is still what `generate` gives.

Windows are of 16 tokens, so rings are of 192; prompts and completions go around them.
"""

import io
import random
from pathlib import Path
from typing import Any, Final

import pytest
import torch

from inference.engine.config import RunnerConfig
from inference.engine.decoder import Decoder
from inference.engine.footprint import footprint, kv_size
from inference.engine.headroom import Headroom
from inference.engine.linear import pack_linears
from inference.engine.loading import DecoderLoader
from inference.engine.log import Log
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.prefix_index import PrefixIndex
from inference.engine.sliding import PART, KvSize, Sliding, layer_kinds, sliding_of
from inference.engine.statistics import Statistics
from inference.engine.tiers import Tiers
from inference.engine.verification import references
from inference.engine.wire import Finished
from tests.engine import tiny_models
from tests.engine.batches import Bench, bench

CONTEXT: Final = 400
RING: Final = 192
LENGTHS: Final = (5, 150, 260, 191)  # within the window, within the ring, around it, at its end
NEW_TOKENS: Final = 60
MIXED: Final = {"layer_types": ["sliding_attention", "full_attention"] * 2}
MODELS: Final[dict[str, dict[str, Any]]] = {
    "mistral": {},
    "gemma2": {},
    "gemma3_text": {},
    "gpt_oss": {},
    "phi3": {"sliding_window": 16},
    "qwen2": {**MIXED, "sliding_window": 16, "use_sliding_window": True},
    "qwen3": {**MIXED, "sliding_window": 16, "use_sliding_window": True},
}


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def prompts() -> list[list[int]]:
    source = torch.Generator().manual_seed(2)
    return [
        torch.randint(5, tiny_models.VOCABULARY - 5, (n,), generator=source).tolist()
        for n in LENGTHS
    ]


def generate(model: Any, prompt: list[int], tokens: int = NEW_TOKENS) -> list[int]:
    out = model.generate(
        torch.tensor([prompt]), max_new_tokens=tokens, do_sample=False, pad_token_id=0
    )
    return list(out[0][len(prompt) :].tolist())


def decode(decoder: Decoder, chunk: int) -> list[list[int]]:
    """Write each prompt in chunks, then decode all of them together."""
    completions = []
    for slot, prompt in enumerate(prompts()):
        for start in range(0, len(prompt), chunk):
            logits = decoder.prefill(prompt[start : start + chunk], slot, start)
        completions.append([int(logits.argmax())])
    for step in range(NEW_TOKENS - 1):
        positions = [length + step for length in LENGTHS]
        logits = decoder.decode([tokens[-1] for tokens in completions], positions)
        for tokens, token in zip(completions, logits.argmax(-1).tolist(), strict=True):
            tokens.append(token)
    return completions


def sliding(model: Any) -> Sliding:
    found = sliding_of(model.config.get_text_config(), CONTEXT)
    assert found is not None
    return found


@pytest.mark.parametrize("family", MODELS)
def test_prompts_and_completions_longer_than_the_ring_equal_generate(family: str) -> None:
    model = tiny_models.build(family, **MODELS[family])
    assert sliding(model) == Sliding(16, RING)
    expected = [generate(model, prompt) for prompt in prompts()]
    assert decode(Decoder(model, slots=4, context=CONTEXT), chunk=37) == expected


def test_a_chunk_longer_than_a_ring_takes_is_written_in_parts() -> None:
    model = tiny_models.build("gemma3_text")
    expected = [generate(model, prompt) for prompt in prompts()]
    assert max(LENGTHS) > RING > PART
    assert decode(Decoder(model, slots=4, context=CONTEXT), chunk=CONTEXT) == expected


def test_packed_linears_slide_as_well() -> None:
    model = tiny_models.build("mistral")
    expected = [generate(model, prompt) for prompt in prompts()]
    pack_linears(model)
    assert decode(Decoder(model, slots=4, context=CONTEXT), chunk=50) == expected


def test_a_sequence_longer_than_the_ring_is_moved_whole() -> None:
    decoder = Decoder(tiny_models.build("gemma3_text"), slots=4, context=CONTEXT)
    prompt = prompts()[2]
    token = int(decoder.prefill(prompt, 1, 0).argmax())
    stayed = decoder.decode([7, token], [0, len(prompt)])[1]
    decoder.move(1, 0, len(prompt))
    moved = decoder.decode([token], [len(prompt)])[0]
    assert torch.allclose(stayed, moved, atol=1e-4)


@pytest.mark.parametrize("family", MODELS)
def test_the_cache_of_a_sliding_layer_is_as_long_as_its_ring(family: str) -> None:
    model = tiny_models.build(family, **MODELS[family])
    decoder = Decoder(model, slots=3, context=CONTEXT)
    decoder.prefill([7] * 5, 0, 0)
    config = model.config.get_text_config()
    lengths = {"sliding_attention": RING, "full_attention": CONTEXT}
    taken = [layer._keys.shape[2] for layer in decoder._cache._slot_layers]
    assert taken == [lengths[kind] for kind in layer_kinds(config)]
    held = sum(layer._keys.nbytes + layer._values.nbytes for layer in decoder._cache._slot_layers)
    assert held == 3 * kv_size(config, 4, CONTEXT).of(CONTEXT)


def test_memory_is_admitted_for_the_ring_and_not_for_the_context(tmp_path: Path) -> None:
    tiny_models.save("mistral", tmp_path, max_position_embeddings=2**20)
    config = tiny_models.build("mistral", max_position_embeddings=2**20).config
    sizes = [
        footprint(tmp_path, config, item_bytes=4, context=context, rows=4, chunk=16).slot
        for context in (RING, 2**14, 2**20)
    ]
    assert sizes == [RING * 2 * 4 * 2 * 16 * 4] * 3  # layers, key heads, sizes of them, bytes

    asked = RunnerConfig("tiny", str(tmp_path), "unused", dtype="float32", context_length=2**14)
    loader = DecoderLoader(asked, ModelDirectory(tmp_path), Statistics(), Log("", io.StringIO()))
    headroom = loader.headroom()
    assert headroom.growth(0, 2**14) == headroom.growth(0, RING) == sizes[0]
    headroom.note(0, RING)
    assert headroom.growth(0, 2**14) == 0


def test_of_mixed_layers_only_the_full_ones_grow_beyond_the_ring() -> None:
    size = kv_size(tiny_models.build("gemma3_text").config.get_text_config(), 4, CONTEXT)
    layer = 2 * 2 * 16 * 4
    assert size == KvSize(token=2 * layer, sliding=2 * layer, kept=RING)
    headroom = Headroom(slots=1, size=size, available=lambda: None)
    headroom.note(0, RING)
    assert headroom.growth(0, RING + 10) == 10 * 2 * layer


def test_a_context_within_the_ring_is_kept_whole() -> None:
    config = tiny_models.build("mistral").config
    assert sliding_of(config, RING) is None
    assert kv_size(config, 4, RING).sliding == 0


def test_sliding_layers_without_a_window_are_refused() -> None:
    config = tiny_models.build("gemma3_text").config
    config.sliding_window = None
    with pytest.raises(LoadError, match="no sliding_window"):
        layer_kinds(config)


def test_the_tiers_that_take_it_are_checked_and_keep_the_ring() -> None:
    def read() -> Any:
        return tiny_models.build("mistral").bfloat16().float()

    model = read()
    expected = references(model, context=CONTEXT, slots=4)
    log = io.StringIO()
    chosen = Tiers("bfloat16", slots=4, context=CONTEXT).choose(read, model, expected, Log("", log))
    assert chosen.tier.letter == "A"
    assert "16 tokens only" in log.getvalue()
    assert chosen.decoder._cache._slot_layers[0]._keys.shape[2] == RING


def engine(directory: Path, family: str, *, slots: int, kept_slots: int) -> Bench:
    model = tiny_models.build(family)
    decoder = Decoder(model, slots=slots + kept_slots, context=CONTEXT)
    return bench(
        directory,
        slots=slots,
        kept_slots=kept_slots,
        decoder=decoder,
        context=CONTEXT,
        sliding=sliding(model),
        prefill_budget=64,
    )


def text(one: Bench, tokens: list[int]) -> str:
    return one.engine._tokenizer.decode(tokens)


def cached(one: Bench, name: str) -> int:
    end = one.answers.ends[name]
    assert isinstance(end, Finished), end
    return end.usage.cached_tokens


def test_a_conversation_goes_on_from_what_the_ring_holds_and_no_earlier(tmp_path: Path) -> None:
    one = engine(tmp_path, "gemma3_text", slots=2, kept_slots=2)
    begun = prompts()[2]
    one.submit("first", begun, 20)
    one.finish()
    longer = [*begun, *generate(one.decoder._model, begun, 20)[:-1], *range(30, 60)]  # type: ignore[attr-defined]
    one.submit("goes on", longer, 10)
    one.submit("early", [*begun[:90], *range(200, 230)], 10)
    one.finish()
    assert cached(one, "goes on") == len(begun) + 19
    assert cached(one, "early") == 0  # what it would look back on is overwritten
    model = tiny_models.build("gemma3_text")
    assert one.answers.texts["goes on"] == text(one, generate(model, longer, 10))
    early = [*begun[:90], *range(200, 230)]
    assert one.answers.texts["early"] == text(one, generate(model, early, 10))


@pytest.mark.parametrize("family", ["mistral", "gemma3_text"])
def test_reuse_in_any_order_gives_what_generate_gives(tmp_path: Path, family: str) -> None:
    one = engine(tmp_path, family, slots=3, kept_slots=3)
    source = random.Random(3)
    stem = [source.randrange(5, 490) for _ in range(330)]
    asked = {}
    for number in range(30):
        prompt = stem[: source.randrange(2, 330)] + [source.randrange(5, 490) for _ in range(4)]
        asked[f"r{number}"] = prompt
        one.submit(f"r{number}", prompt, source.randrange(1, 50))
        for _ in range(source.randrange(12)):
            if one.engine.busy:
                one.engine.step()
    one.finish()
    model = tiny_models.build(family)
    for name, prompt in asked.items():
        end = one.answers.ends[name]
        assert isinstance(end, Finished), end
        tokens = generate(model, prompt, end.usage.completion_tokens)
        assert one.answers.texts[name] == text(one, tokens), name
    assert sum(cached(one, name) for name in asked) > 1000


def test_what_is_kept_of_a_prompt_stays_where_the_longer_one_cannot_serve_for_it() -> None:
    index = PrefixIndex(sliding=Sliding(16, RING))
    index.keep(4, list(range(100)), "a")
    index.keep(5, list(range(110)), "a")
    assert index.drop(4) is None
    index.keep(6, list(range(390)), "a", oldest=390 - RING)
    assert index.drop(5) is not None
