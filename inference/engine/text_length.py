"""How many tokens a text may have, as a model's config.json says."""

from typing import Any, Final

# Their first position is the one behind the padding's id, so that they have fewer than they say.
_BEHIND_PADDING: Final = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet", "longformer"})


def text_length(config: dict[str, Any]) -> int | None:
    """Return the tokens of the longest text, special ones with it; None where nothing bounds it."""
    for name in ("max_position_embeddings", "n_positions", "max_sequence_length"):
        bound = config.get(name)
        if isinstance(bound, int) and bound > 0:
            return max(1, bound - _first_position(config))
    return None


def _first_position(config: dict[str, Any]) -> int:
    padding = config.get("pad_token_id")
    behind = config.get("model_type") in _BEHIND_PADDING and isinstance(padding, int)
    return padding + 1 if behind and isinstance(padding, int) else 0
