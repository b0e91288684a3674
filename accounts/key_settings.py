"""What may be set of a key, in the one form it is kept in, wherever it is set."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypedDict

from django.core.exceptions import ValidationError

from accounts.models import ApiKey, Per
from accounts.networks import parse_network

MAX_MODELS: Final = 100
MAX_NETWORKS: Final = 64
MAX_LIMITS: Final = 32
# For whom a key's own limits count; for the others there are users' and plans'.
LIMITED_PER: Final = (Per.KEY, Per.KEY_MODEL)
MAX_ENTRY: Final = 100  # characters of a model's name, or of a network

# The form of a model's name. Whether it exists is the registry's to know, and it may come later.
_MODEL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class KeySettings(TypedDict, total=False):
    """The settings of a key that its owner chooses; limits are rows of their own."""

    name: str
    scopes: list[str]
    allowed_models: list[str]  # empty: every model
    allowed_networks: list[str]  # CIDR; empty: anywhere
    expires_at: datetime | None
    store_bodies: bool


def settings_of(key: ApiKey) -> KeySettings:
    """Return the settings of a key as they are kept."""
    return {
        "name": key.name,
        "scopes": key.scopes,
        "allowed_models": key.allowed_models,
        "allowed_networks": key.allowed_networks,
        "expires_at": key.expires_at,
        "store_bodies": key.store_bodies,
    }


def clean_models(names: Iterable[str]) -> list[str]:
    """Return the names sorted, each once. Raises ValidationError, naming the bound."""
    wanted = sorted(set(names))
    _refuse_more("names of models", len(wanted), MAX_MODELS)
    for name in wanted:
        if not _MODEL.fullmatch(name):
            raise ValidationError(
                f"{name[:MAX_ENTRY]!r}: a model's name has lower-case letters, digits, dots, "
                f"dashes and underscores, at most {MAX_ENTRY} characters"
            )
    return wanted


def clean_networks(texts: Iterable[str]) -> list[str]:
    """Return the networks as CIDR, sorted, each once. Raises ValidationError, naming the bound."""
    networks = {str(_network(text)) for text in texts}
    _refuse_more("networks", len(networks), MAX_NETWORKS)
    return sorted(networks)


def _network(text: str) -> object:
    try:
        return parse_network(text)
    except ValueError:
        raise ValidationError(
            f"{text[:MAX_ENTRY]!r}: expected a network like 10.0.0.0/8 or 2001:db8::/32, "
            "or an address"
        ) from None


def _refuse_more(what: str, count: int, bound: int) -> None:
    if count > bound:
        raise ValidationError(f"{count} {what}; {bound} are the most a key may have.")
