"""The Dockerfile: linted, small at the end, and run by nobody in particular."""

import re
import subprocess
import sys
from pathlib import Path

from tests.deploy.compose_file import REPOSITORY

DOCKERFILE = REPOSITORY / "Dockerfile"


def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_last_stage_installs_nothing_and_ends_without_privileges() -> None:
    final = DOCKERFILE.read_text().rpartition("\nFROM ")[2]
    assert not re.search(r"\b(apt-get|pip install|gcc)\b", final)
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", final, re.MULTILINE)


def test_every_base_image_names_a_full_version() -> None:
    assert re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE) == ["${PYTHON}"] * 2
    assert re.search(r"^ARG PYTHON=python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE.read_text(), re.M)


def test_everything_the_image_copies_reaches_the_build() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    for needed in ("manage.py", "requirements.txt", "accounts", "aiplatform", "inference"):
        assert f"!{needed}" in ignored
    assert "!.env" not in ignored
    assert "*" in ignored
