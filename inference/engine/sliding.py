"""Layers that attend to the newest tokens only, and so keep no more of them.

The keys and values of such a layer lie in a ring: position p at p modulo the ring's length. What a
ring has overwritten is gone, so less of what is kept can serve a prompt that begins the same.
"""

from typing import Any, Final, NamedTuple

from inference.engine.model_directory import LoadError

FULL: Final = "full_attention"
SLIDING: Final = "sliding_attention"
PART: Final = 128  # tokens of a prompt that are written before the first of them looks back
_STEP: Final = 64  # tokens; rings come in few lengths, as views of the cache do


class Sliding(NamedTuple):
    """What the sliding layers of a model hold of a sequence, in tokens."""

    seen: int  # what one token attends to, itself included
    kept: int  # the ring: what a whole part of a prompt attends to

    def oldest(self, written: int) -> int:
        """Return the first position that a ring still holds after `written` tokens."""
        return max(0, written - self.kept)

    def serves(self, length: int, oldest: int) -> bool:
        """Return whether token `length` can follow where all before `oldest` is overwritten."""
        return oldest <= max(0, length + 1 - self.seen)


class KvSize(NamedTuple):
    """Bytes of keys and values."""

    token: int  # of one token, in the layers that keep all
    sliding: int = 0  # of one token, in the layers that keep the newest
    kept: int = 0  # tokens that those keep

    def of(self, tokens: int) -> int:
        """Return what the first `tokens` of a slot take."""
        return self.token * tokens + self.sliding * min(tokens, self.kept)


def layer_kinds(config: Any) -> list[str]:
    """Return FULL or SLIDING for every layer. Raises LoadError on layers of other kinds."""
    layers: int = config.num_hidden_layers
    kinds = getattr(config, "layer_types", None)
    if kinds is None:
        slides = _window(config) and getattr(config, "use_sliding_window", True)
        return [SLIDING if slides else FULL] * layers
    unknown = set(kinds) - {FULL, SLIDING}
    if unknown:
        raise LoadError(f"layers of type {', '.join(sorted(unknown))} are not supported")
    if SLIDING in kinds and not _window(config):
        raise LoadError("config.json names sliding layers and no sliding_window")
    return list(kinds)


def sliding_of(config: Any, context: int) -> Sliding | None:
    """Return what sliding layers keep; None where no layer keeps less than the `context`."""
    seen = _window(config)
    kept = -(-(seen + PART) // _STEP) * _STEP
    if SLIDING not in layer_kinds(config) or kept >= context:
        return None
    return Sliding(seen, kept)


def _window(config: Any) -> int:
    return int(getattr(config, "sliding_window", None) or 0)
