"""Who is calling: one user, through a key or a token of their own."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from rest_framework.request import Request

    from accounts.limit_rules import LimitRule


@dataclass(frozen=True, slots=True)
class Principal:
    """What every later step needs to know of the caller, read once and cached briefly."""

    user_id: int
    username: str
    is_admin: bool
    key_id: int | None  # None: signed in as a person, not calling with a key
    key_name: str
    scopes: frozenset[str]
    allowed_models: frozenset[str] = field(default_factory=frozenset)  # empty: every model
    store_bodies: bool = True
    allowed_networks: "tuple[IPv4Network | IPv6Network, ...]" = ()  # empty: anywhere
    rules: "tuple[LimitRule, ...]" = ()
    weight: float = 1.0  # share of a busy model, as a multiple of what others get

    # What Django and DRF ask of anything they call a user.
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    def may_use_model(self, name: str) -> bool:
        """Return whether the key is meant for the model `name`."""
        return not self.allowed_models or name in self.allowed_models


def principal_of(request: "Request") -> Principal:
    """Return who is calling a view that let nobody else in."""
    principal: object = request.user
    assert isinstance(principal, Principal)
    return principal
