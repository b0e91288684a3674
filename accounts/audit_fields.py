"""What the audit trail tells of each kind of thing: these fields, and no others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Model

MAX_TEXT: Final = 500  # characters kept of one text
MAX_ITEMS: Final = 250  # of one list: more than there are permissions

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing whose changes are kept."""

    name: str
    fields: frozenset[str]
    # The event that tells of a field's change, where it is another than `<name>.changed`.
    verbs: dict[str, str | Callable[[Any], str]] = field(default_factory=dict)

    def verb(self, name: str, value: Any) -> str:
        """Return what happened when the field `name` became `value`."""
        verb = self.verbs.get(name, "changed")
        return verb if isinstance(verb, str) else verb(value)


def _either(yes: str, no: str) -> Callable[[Any], str]:
    return lambda value: yes if value else no


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Never a digest, a password's hash, a token. By label, so that accounts imports no other app.
KINDS: Final = {
    "accounts.user": Kind(
        "user",
        _names(
            "username first_name last_name email plan password "
            "is_active is_staff is_superuser groups user_permissions"
        ),
        {
            "password": "password_changed",
            "plan": "plan_assigned",
            "is_active": _either("activated", "deactivated"),
            **dict.fromkeys(
                ["is_staff", "is_superuser", "groups", "user_permissions"], "permissions_changed"
            ),
        },
    ),
    "accounts.apikey": Kind(
        "api_key",
        _names(
            "user name public_id scopes allowed_models allowed_networks store_bodies "
            "expires_at revoked_at rotated_from"
        ),
        {"revoked_at": "revoked"},
    ),
    "accounts.plan": Kind("plan", _names("name description weight is_default users")),
    "accounts.limit": Kind(
        "limit", _names("plan user api_key per model_name resource window amount")
    ),
    "auth.group": Kind(
        "group", _names("name permissions users"), {"permissions": "permissions_changed"}
    ),
    "registry.model": Kind(
        "model",
        _names(
            "name task description source revision licence dtype context_length "
            "max_output_tokens slots max_queue threads device default_temperature default_top_p "
            "price_prompt price_completion price_image shared_prompts enabled is_default"
        ),
        {"enabled": _either("enabled", "disabled")},
    ),
    # Of its address the host alone: a path or a query may hold a secret.
    "webhooks.endpoint": Kind(
        "webhook",
        _names("user origin events description enabled disabled_reason"),
        {"enabled": _either("enabled", "disabled")},
    ),
}

# What stands in the place of a new password.
PASSWORD: Final = "changed"  # noqa: S105  # the word itself


def kind_of(subject: Model) -> Kind:
    """Return the kind of `subject`. Raises KeyError where none is kept of its model."""
    return KINDS[subject._meta.label_lower]


def recorded(subject: Model, names: Iterable[str] | None = None) -> Values:
    """Return what may be told of the row: all its columns that may, or those of `names`."""
    told = kind_of(subject).fields - {"password"}
    columns = {column.name for column in subject._meta.concrete_fields} & told
    wanted = columns if names is None else columns & set(names)
    return {name: plain(getattr(subject, name)) for name in sorted(wanted)}


def listed(subject: Model, names: Iterable[str]) -> Values:
    """Return the rows of other tables in each of the row's lists `names`, by their names."""
    return {name: sorted(str(one) for one in getattr(subject, name).all()) for name in names}


def allowed(kind: Kind, values: Values | None) -> Values | None:
    """Return those of `values` that may be told, bounded; of a password, that it changed."""
    if values is None:
        return None
    told = {name: _bounded(plain(value)) for name, value in values.items() if name in kind.fields}
    if told.get("password"):
        told["password"] = PASSWORD
    return told


def plain(value: Any) -> Any:
    """Return a value as JSON holds it, and a row by its name, which outlives it."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _bounded(value: Any) -> Any:
    if isinstance(value, list):
        kept = [_bounded(item) for item in value[:MAX_ITEMS]]
        return kept if len(value) <= MAX_ITEMS else [*kept, f"… ({len(value)} in all)"]
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]}… ({len(value)} characters in all)"
    return value
