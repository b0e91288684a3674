"""Typed reading of environment variables. A wrong value stops the start and names the fix."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_RATE = re.compile(r"[0-9]{1,9}/([1-9][0-9]{0,3})?[smhd]")


class Misconfigured(SystemExit):
    """An environment variable cannot be used. Ends the process with the message, no traceback."""


def text(name: str, default: str) -> str:
    """Return the variable, or `default` where it is unset or empty."""
    return os.environ.get(name) or default


def boolean(name: str, default: bool) -> bool:
    """Return the variable as a truth value."""
    return _read(name, default, _to_boolean, "one of true, false, 1, 0, yes, no, on, off")


def integer(name: str, default: int, *, low: int, high: int) -> int:
    """Return the variable as a whole number between `low` and `high`, both included."""
    expected = f"a whole number from {low} to {high}"
    return _read(name, default, lambda raw: _within(int(raw), low, high), expected)


def number(name: str, default: float, *, low: float, high: float) -> float:
    """Return the variable as a number between `low` and `high`, both included."""
    expected = f"a number from {low} to {high}"
    return _read(name, default, lambda raw: _within(float(raw), low, high), expected)


def choice(name: str, default: str, options: Iterable[str]) -> str:
    """Return the variable, which must be one of `options`."""
    allowed = sorted(options)
    return _read(
        name, default, lambda raw: allowed[allowed.index(raw)], "one of " + ", ".join(allowed)
    )


def listing(name: str, default: list[str]) -> list[str]:
    """Return the variable split at commas, blanks around the items removed."""
    raw = os.environ.get(name)
    return default if raw is None else [item.strip() for item in raw.split(",") if item.strip()]


def rates(name: str, default: list[str]) -> list[str]:
    """Return the variable as rates: a count a period (s, m, h, d), as in `50/h` or `10/5m`."""
    return _read(name, default, _to_rates, "rates like 10/m,200/d: counts a second, m, h or d")


def directory(name: str, default: Path, *, private: bool = False) -> Path:
    """Return the variable as an absolute path; the folder is made where it is missing.

    A private one is made for its owner alone; one that is there keeps its mode.
    """
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"{name}={path}: cannot be made: {error.strerror}") from error
    if not os.access(path, os.W_OK):
        raise Misconfigured(f"{name}={path}: not writable by this user; choose another folder")
    return path


def load_file(path: Path) -> None:
    """Read `NAME=value` lines into the environment; what is set already wins."""
    if not path.is_file():
        return
    for line in path.read_text().splitlines():
        name, found, value = line.partition("=")
        if found and not line.lstrip().startswith("#"):
            os.environ.setdefault(name.strip(), value.strip())


def _read(name: str, default: T, convert: Callable[[str], T], expected: str) -> T:
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    try:
        return convert(raw)
    except (ValueError, LookupError) as error:
        raise Misconfigured(f"{name}={raw!r}: expected {expected}") from error


def _to_boolean(raw: str) -> bool:
    lowered = raw.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError(raw)


def _to_rates(raw: str) -> list[str]:
    found = [item.strip() for item in raw.split(",")]
    if not all(_RATE.fullmatch(item) for item in found):
        raise ValueError(raw)
    return found


def _within(value: T, low: T, high: T) -> T:
    if not low <= value <= high:  # type: ignore[operator]  # T is int or float here
        raise ValueError(value)
    return value
