"""The folder for sockets: short, because the path of a unix socket is bounded, and private."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

# sockaddr_un.sun_path has 104 bytes on macOS and 108 on Linux, an ending zero byte included.
MAX_SOCKET_PATH: Final = 103
LONGEST_NAME: Final = len("/r-00000000.sock")


class RunDirectoryError(Exception):
    """The folder cannot be used for sockets. The message says what to do."""


def default_run_directory(var_dir: Path) -> Path:
    """Return `var_dir`/run, or where that is too long, a short folder that is the same every time.

    Settings call this: every process of an installation must come to the same answer.
    """
    usual = var_dir / "run"
    if _fits(usual):
        return usual
    name = hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"aiplatform-{os.geteuid()}-{name}"


def secure(folder: Path) -> None:
    """Make sure that `folder` is ours alone and short enough. Raises RunDirectoryError."""
    if not _fits(folder):
        raise RunDirectoryError(
            f"{folder} is too long for unix sockets, whose paths have at most {MAX_SOCKET_PATH} "
            "bytes. Name a short folder for them: RUN_DIR=/tmp/aiplatform make run"
        )
    # In a folder that everybody may write to, somebody else may have made it first.
    if folder.stat().st_uid != os.geteuid():
        raise RunDirectoryError(f"{folder} belongs to another user. Name another folder: RUN_DIR=…")
    folder.chmod(0o700)


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) + LONGEST_NAME <= MAX_SOCKET_PATH
