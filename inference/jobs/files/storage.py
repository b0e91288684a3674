"""Where contents of files lie. One folder that every web and worker shares: FILES_DIR."""

import hashlib
import os
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile

from inference.jobs.models import File

INCOMING: Final = "incoming"  # what is still being written; moved from there when it is whole
# Longer than any upload or batch takes to write: what is older belongs to nobody.
_FORGOTTEN_AFTER_S: Final = 24 * 3600
_CHUNK_ROWS: Final = 500


def incoming() -> Path:
    """Return the folder of what is being written."""
    return Path(settings.FILES_DIR) / INCOMING


def content_digest(upload: "UploadedFile[bytes]") -> str:
    """Return the SHA-256 of what was sent, and leave it as it was."""
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return digest.hexdigest()


def upload_keep(upload: "UploadedFile[bytes]", path: Path) -> None:
    """Make what was sent the content at `path`: a large one is moved, a small one written."""
    if isinstance(upload, TemporaryUploadedFile):
        _sync(upload.file)
        _move(Path(upload.temporary_file_path()), path)
        return
    part = incoming() / uuid.uuid4().hex
    with part.open("wb") as file:
        for chunk in upload.chunks():
            file.write(chunk)
        _sync(file)
    _move(part, path)


def lines_write(lines: Iterable[bytes], path: Path) -> int:
    """Write lines to `path`, at once visible whole or not at all; return their bytes."""
    part, size = incoming() / uuid.uuid4().hex, 0
    with part.open("wb") as file:
        for line in lines:
            size += file.write(line + b"\n")
        _sync(file)
    _move(part, path)
    return size


def orphans_remove() -> int:
    """Remove contents that no row names any more, and what was never finished; return how many."""
    before = time.time() - _FORGOTTEN_AFTER_S
    removed = 0
    for folder in Path(settings.FILES_DIR).iterdir():
        old = [one for one in folder.iterdir() if one.stat().st_mtime < before]
        for at in range(0, len(old), _CHUNK_ROWS):
            removed += _remove_unknown(old[at : at + _CHUNK_ROWS], folder.name)
    return removed


def _remove_unknown(paths: list[Path], folder: str) -> int:
    known = set[str]()
    if folder != INCOMING:
        ids = [uuid.UUID(path.name) for path in paths]
        found = File.objects.filter(id__in=ids).values_list("id", flat=True)
        known = {one.hex for one in found}
    unknown = [path for path in paths if path.name not in known]
    for path in unknown:
        path.unlink(missing_ok=True)
    return len(unknown)


def _sync(file: Any) -> None:
    """See that the content is on disk before a row says that it is there."""
    file.flush()
    os.fsync(file.fileno())


def _move(part: Path, path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    part.replace(path)
    path.chmod(0o600)
