"""What a model will take of memory, told from its headers before anything of it is loaded."""

import math
from pathlib import Path
from typing import Any, Final, NamedTuple

from safetensors import SafetensorError, safe_open

from inference.engine.model_directory import LoadError
from inference.engine.sliding import SLIDING, KvSize, layer_kinds, sliding_of

# Left to the rest of the process and to whatever else grows on the machine.
RESERVE_BYTES: Final = 256 << 20
MIB: Final = 1 << 20
LOGITS: Final = 5  # copies that the sampler makes of them
LOGITS_IN_GRAPHS: Final = 10  # two steps keep theirs, and what a graph works in stays its own


class Footprint(NamedTuple):
    """Bytes. `slot` is what one request takes whose context is full; the cache has many."""

    weights: int
    slot: int
    working: int

    def check(self, *, slots: int, available: int | None) -> None:
        """Raise LoadError, with the numbers, unless at least one full request fits.

        More of them need not: a request waits until memory is there for it (see Headroom).
        """
        cache = f"{_mib(self.slot)} for one request of the whole context (of {slots})"
        self._check(self.slot, cache, available)

    def check_all(self, *, slots: int, available: int | None) -> None:
        """Raise LoadError, with the numbers, unless `slots` full requests fit.

        A card lends no memory that is not there: its whole cache is taken when it is made.
        """
        cache = f"{_mib(slots * self.slot)} for keys and values of {slots} slots"
        self._check(slots * self.slot, cache, available)

    def check_passage(self, available: int | None) -> None:
        """Raise LoadError unless the weights can pass through the machine's memory to a card."""
        if available is None or self.weights + RESERVE_BYTES <= available:
            return
        raise LoadError(
            f"weights of {_mib(self.weights)} are read into the machine's memory on their way to"
            f" the card, and {_mib(available)} are available there: free memory"
        )

    def _check(self, cache_bytes: int, cache: str, available: int | None) -> None:
        needed = self.weights + cache_bytes + self.working + RESERVE_BYTES
        if available is None or needed <= available:
            return
        raise LoadError(
            f"the model does not fit: weights {_mib(self.weights)}, {cache},"
            f" {_mib(self.working)} to compute in and"
            f" {_mib(RESERVE_BYTES)} in reserve make {_mib(needed)}; {_mib(available)} are"
            " available: lower slots or context_length, or free memory"
        )


def footprint(
    path: Path,
    config: Any,
    *,
    item_bytes: int,
    context: int,
    rows: int,
    chunk: int,
    logits: int = LOGITS,
) -> Footprint:
    """Estimate for the weights in `path` and their transformers text config.

    `item_bytes` is the size of a number in the dtype that is computed in, `rows` how many requests
    run at once, `chunk` how many prompt tokens a step reads, and `logits` how many copies of all
    rows' logits there are.
    """
    tied = getattr(config, "tie_word_embeddings", False)
    head = config.vocab_size * config.hidden_size if tied else 0
    return Footprint(
        # A tied head gets packed rows of its own.
        weights=(weight_count(path) + head) * item_bytes,
        slot=kv_size(config, item_bytes, context).of(context),
        working=_working_bytes(config, item_bytes, context, rows, chunk)
        + logits * rows * config.vocab_size * 4,  # the sampler works in float32
    )


def weight_count(path: Path) -> int:
    """Return how many numbers the model's files hold. Raises LoadError."""
    try:
        return sum(map(_numbers, path.glob("*.safetensors")))
    except (SafetensorError, OSError) as error:
        raise LoadError("the headers of the model's weights cannot be read") from error


def _numbers(file: Path) -> int:
    with safe_open(file, framework="pt") as opened:
        return sum(math.prod(opened.get_slice(name).get_shape()) for name in opened.keys())  # noqa: SIM118


def kv_size(config: Any, item_bytes: int, context: int) -> KvSize:
    """Return what the keys and values of a slot take."""
    token, sliding = token_bytes(config, item_bytes), sliding_of(config, context)
    if sliding is None:
        return KvSize(token)
    layer = token // config.num_hidden_layers
    ringed = layer_kinds(config).count(SLIDING) * layer
    return KvSize(token - ringed, ringed, sliding.kept)


def token_bytes(config: Any, item_bytes: int) -> int:
    """Return what the keys and values of one token take in all layers."""
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return int(2 * config.num_hidden_layers * kv_heads * width * item_bytes)


def _working_bytes(config: Any, item_bytes: int, context: int, rows: int, chunk: int) -> int:
    """Return the most that a step holds besides: hidden states and scores."""
    tokens, heads = max(rows, chunk), config.num_attention_heads
    inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    hidden = tokens * (8 * config.hidden_size + 3 * inner) * item_bytes
    scores = 2 * heads * chunk * context * item_bytes
    return int(hidden + scores)


def _mib(count: int) -> str:
    return f"{count / MIB:,.0f} MiB"
