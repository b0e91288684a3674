"""A model out of a hub's repository at one commit: weights, tokenizer, configuration, no code.

Speaks the hub's file endpoints: the listing of a commit with sizes and digests, and the files at
that commit. Not through the hub's own library, which bounds neither and keeps caches of its own.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

import httpx
import msgspec
from huggingface_hub import constants

from inference.registry.disk import require_space
from inference.registry.progress import Progress
from inference.registry.sources import HubSource

_ENDPOINT: Final = "HF_ENDPOINT"  # as the hub's own tools read it
_WANTED: Final = frozenset({".json", ".txt", ".safetensors", ".model", ".jinja"})
_CODE: Final = frozenset({".py", ".pyc", ".so"})
_MAX_FILES: Final = 256
_MAX_LISTING: Final = 16 * 1024 * 1024  # bytes
_MAX_SMALL_FILE: Final = 256 * 1024 * 1024  # of what has no digest: everything but weights
_TIMEOUT: Final = httpx.Timeout(60.0, connect=20.0)
_STEP: Final = "downloading the model"
_REFUSALS: Final = {
    401: "there is no such public repository",
    403: "it is not public",
    404: "there is no such public repository, or no such commit in it",
}


class HubError(Exception):
    """The repository cannot be had or must not be. The text says why and what to do."""


class _Large(msgspec.Struct):
    sha256: str


class _File(msgspec.Struct):
    rfilename: str
    size: int = 0  # bytes
    lfs: _Large | None = None  # of files that are not kept in git itself


class _Listing(msgspec.Struct):
    sha: str
    siblings: list[_File]


def download(source: HubSource, folder: Path, *, progress: Progress) -> None:
    """Write the files of the model into the new `folder`. Raises HubError or DiskError."""
    endpoint = (os.environ.get(_ENDPOINT) or constants.ENDPOINT).rstrip("/")
    with _explained(source), httpx.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
        files = _of_the_model(source, _listing(client, endpoint, source))
        folder.mkdir()
        total, done = sum(one.size for one in files), 0
        require_space(folder, total)
        for one in files:
            address = f"{endpoint}/{source.repository}/resolve/{source.revision}/{one.rfilename}"
            path = folder / one.rfilename
            path.parent.mkdir(exist_ok=True)
            with client.stream("GET", address) as answer, path.open("wb") as file:
                answer.raise_for_status()
                digest = hashlib.sha256()
                for chunk in _bounded(source, one, answer):
                    file.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    progress(_STEP, done, max(done, total))
            _check(source, one, path, digest.hexdigest())


def _listing(client: httpx.Client, endpoint: str, source: HubSource) -> list[_File]:
    address = f"{endpoint}/api/models/{source.repository}/revision/{source.revision}"
    with client.stream("GET", address, params={"blobs": "true"}) as answer:
        answer.raise_for_status()
        body = b""
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > _MAX_LISTING:
                raise HubError(f"the listing of {source} is longer than {_MAX_LISTING} bytes")
    listing = msgspec.json.decode(body, type=_Listing)
    if listing.sha != source.revision:
        raise HubError(f"the hub answered for another commit than {source}: {listing.sha[:40]}")
    return listing.siblings


def _of_the_model(source: HubSource, files: list[_File]) -> list[_File]:
    """Return the files to fetch. Raises HubError for a repository with code in it."""
    for one in files:
        if PurePosixPath(one.rfilename).suffix.lower() in _CODE:
            name = one.rfilename[:100]
            raise HubError(f"{source} holds program code ({name}); such models are not loaded")
    wanted = [one for one in files if _is_wanted(PurePosixPath(one.rfilename))]
    if not any(one.rfilename.endswith(".safetensors") for one in wanted):
        raise HubError(f"{source} has no safetensors; choose a repository or commit that has")
    if len(wanted) > _MAX_FILES:
        raise HubError(f"{source} has {len(wanted)} files; at most {_MAX_FILES} are taken")
    return wanted


def _is_wanted(path: PurePosixPath) -> bool:
    """Of folders only configurations count: those of sentence-transformers' modules."""
    if path.is_absolute() or ".." in path.parts or path.suffix.lower() not in _WANTED:
        return False
    return len(path.parts) == 1 or (len(path.parts) == 2 and path.name == "config.json")


def _bounded(source: HubSource, one: _File, answer: httpx.Response) -> Iterator[bytes]:
    """Give what comes, and never more than the listing said."""
    most, come = one.size if one.lfs else min(one.size, _MAX_SMALL_FILE), 0
    for chunk in answer.iter_bytes():
        come += len(chunk)
        if come > most:
            raise HubError(f"{one.rfilename} of {source} is longer than the {most} bytes told")
        yield chunk


def _check(source: HubSource, one: _File, path: Path, digest: str) -> None:
    found = path.stat().st_size
    if found != one.size:
        told = f"{found} bytes instead of {one.size}"
        raise HubError(f"{one.rfilename} of {source} came with {told}; run this again")
    if one.lfs is not None and digest != one.lfs.sha256:
        raise HubError(f"{one.rfilename} of {source} is not the file the hub lists; run this again")


@contextmanager
def _explained(source: HubSource) -> Iterator[None]:
    """Turn what goes wrong between us and the hub into HubError."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        why = _REFUSALS.get(code, f"the hub answered {code}, try again later")
        raise HubError(f"{source} cannot be had: {why}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        remedy = f"check the network, or name a mirror in {_ENDPOINT}"
        raise HubError(f"the hub did not answer for {source}; {remedy}") from error
    except msgspec.MsgspecError as error:
        raise HubError(f"what the hub said of {source} is not understood") from error
