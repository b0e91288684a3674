"""What a key may be used for."""

from typing import Final

GENERATE: Final = "generate"
EMBED: Final = "embed"
IMAGES: Final = "images"
JOBS: Final = "jobs"
MODELS_READ: Final = "models:read"
MODELS_WRITE: Final = "models:write"
USAGE_READ: Final = "usage:read"
ADMIN: Final = "admin"

DESCRIPTIONS: Final = {
    GENERATE: "Ask models for text.",
    EMBED: "Ask models for embeddings.",
    IMAGES: "Ask models about images.",
    JOBS: "Submit and read asynchronous jobs.",
    MODELS_READ: "List and read models.",
    MODELS_WRITE: "Create, change and delete models (admins only).",
    USAGE_READ: "Read one's usage, limits and history of requests.",
    ADMIN: "Manage keys and webhooks; for admins also all usage, limits and the audit trail.",
}
ALL: Final = frozenset(DESCRIPTIONS)
# Without the owner being an admin they allow nothing.
ADMINS_ONLY: Final = frozenset({MODELS_WRITE})
# What a key gets when nobody says otherwise: all that its owner may do but manage keys, so that a
# leaked key cannot make others.
DEFAULT: Final = sorted(ALL - {ADMIN})
