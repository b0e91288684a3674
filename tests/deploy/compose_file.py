"""docker-compose.yml as Docker Compose would see it: variables resolved, anchors merged."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

REPOSITORY: Final = Path(__file__).resolve().parents[2]
COMPOSE_FILE: Final = REPOSITORY / "docker-compose.yml"

# `$$`, `${NAME}`, `${NAME:-default}` or `${NAME:?message}`: the forms of the Compose
# specification that the file uses.
_VARIABLE: Final = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Z_]+)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\}|(?P<stray>))"
)


class UnresolvedVariableError(Exception):
    """A required variable is not set. The message is the one the file has for it."""


def compose(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the file with `environment` in place of .env. Raises UnresolvedVariableError."""
    return _resolve(yaml.safe_load(COMPOSE_FILE.read_text()), environment)  # type: ignore[no-any-return]


def _resolve(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _resolve(inner, environment) for name, inner in value.items()}
    if isinstance(value, list):
        return [_resolve(inner, environment) for inner in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _substitute(found, environment), value)
    return value


def _substitute(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    if found["stray"] is not None:
        raise UnresolvedVariableError(f"not a form of the Compose specification: {found.string!r}")
    given = environment.get(found["name"], "")
    if given or found["kind"] == ":-":
        return given or found["rest"]
    raise UnresolvedVariableError(found["rest"] or found["name"])
