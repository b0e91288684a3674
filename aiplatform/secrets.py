"""Secrets that a single machine makes for itself and keeps readable for its owner alone."""

import os
import secrets
from pathlib import Path

from aiplatform.environment import Misconfigured

MIN_LENGTH = 32


def secret(name: str, folder: Path) -> str:
    """Return the secret `name` from the environment, else from its file in `folder`.

    The file is made on first use. Several machines must share one value: set the variable there.
    """
    given = os.environ.get(name)
    if given is None:
        return _from_file(folder / name.lower())
    if len(given) < MIN_LENGTH:
        raise Misconfigured(f"{name} has {len(given)} characters; at least {MIN_LENGTH} are needed")
    return given


def _from_file(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    candidate = path.with_name(f"{path.name}.{os.getpid()}")
    candidate.touch(mode=0o600)
    candidate.write_text(secrets.token_urlsafe(48))
    # Of several processes that start at once, whoever links first decides for all.
    try:
        os.link(candidate, path)
    except FileExistsError:
        pass
    finally:
        candidate.unlink()
    return path.read_text()
