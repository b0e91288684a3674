"""What a key may be used for."""

from typing import Final

GENERATE: Final = "generate"
MODELS_READ: Final = "models:read"
MODELS_WRITE: Final = "models:write"

DESCRIPTIONS: Final = {
    GENERATE: "Ask models for text.",
    MODELS_READ: "List and read models.",
    MODELS_WRITE: "Create, change and delete models (admins only).",
}
ALL: Final = frozenset(DESCRIPTIONS)
# What a key gets when nobody says otherwise: all that its owner may do.
DEFAULT: Final = sorted(ALL)
