"""Who is calling: one user through one key."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Principal:
    """What every later step needs to know of the caller, read once and cached briefly."""

    user_id: int
    username: str
    is_admin: bool
    key_id: int | None
    key_name: str
    scopes: frozenset[str]
    allowed_models: frozenset[str] = field(default_factory=frozenset)  # empty: every model
    store_bodies: bool = True

    # What Django and DRF ask of anything they call a user.
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    def may_use_model(self, name: str) -> bool:
        """Return whether the key is meant for the model `name`."""
        return not self.allowed_models or name in self.allowed_models
