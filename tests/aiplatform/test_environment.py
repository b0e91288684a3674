"""The typed environment: a wrong value stops the start and says what would be right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiplatform import environment as env

NAME = "PLATFORM_TEST_VALUE"
WRONG: list[tuple[str, Callable[[], Any], str]] = [
    ("maybe", lambda: env.boolean(NAME, True), "one of true, false"),
    ("eight", lambda: env.integer(NAME, 1, low=1, high=9), "a whole number from 1 to 9"),
    ("10", lambda: env.integer(NAME, 1, low=1, high=9), "a whole number from 1 to 9"),
    ("0", lambda: env.integer(NAME, 1, low=1, high=9), "a whole number from 1 to 9"),
    ("1.5", lambda: env.integer(NAME, 1, low=1, high=9), "a whole number from 1 to 9"),
    ("nan", lambda: env.number(NAME, 1, low=0, high=2), "a number from 0 to 2"),
    *[
        (wrong, lambda: env.rates(NAME, []), "rates like 10/m,200/d")
        for wrong in ("10", "10/x", "10/0m", "-1/m", "10/m,", "10/m;5/s", "1e3/h", "10/1.5h")
    ],
    ("b", lambda: env.choice(NAME, "a", ["a", "c"]), "one of a, c"),
]


@pytest.mark.parametrize(("value", "read", "remedy"), WRONG)
def test_a_wrong_value_ends_the_start_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, value: str, read: Callable[[], Any], remedy: str
) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(SystemExit) as ended:
        read()
    assert NAME in str(ended.value)
    assert value in str(ended.value)
    assert remedy in str(ended.value)


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_not_set_is_the_default(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv(NAME, raising=False)
    else:
        monkeypatch.setenv(NAME, value)
    assert env.text(NAME, "x") == "x"
    assert env.integer(NAME, 5, low=1, high=9) == 5
    assert env.boolean(NAME, True) is True


def test_a_folder_that_cannot_be_made_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(NAME, str(tmp_path / "file" / "below"))
    with pytest.raises(SystemExit, match="cannot be made"):
        env.directory(NAME, tmp_path)


def test_a_private_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made = env.directory(NAME, tmp_path / "var", private=True)
    assert made.stat().st_mode & 0o077 == 0


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(NAME, "set")
    monkeypatch.delenv(f"{NAME}_2", raising=False)
    file = tmp_path / "env"
    file.write_text(f"# {NAME}=comment\n{NAME}=file\n {NAME}_2 = other \nno equals sign\n")
    env.load_file(file)
    assert env.text(NAME, "") == "set"
    assert env.text(f"{NAME}_2", "") == "other"
    monkeypatch.delenv(f"{NAME}_2")


def test_rates_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "10/5m, 200/d,0/s")
    assert env.rates(NAME, ["1/s"]) == ["10/5m", "200/d", "0/s"]
    monkeypatch.delenv(NAME)
    assert env.rates(NAME, ["1/s"]) == ["1/s"]
