"""Compiles the kernels with the machine's own C++ compiler, a few seconds, once.

    python -m inference.engine.kernels.build            for this processor
    python -m inference.engine.kernels.build --every    for every kind of processor (images)

Needs the standard library only, so an image can run it as a script before anything is installed.
The library lies in KERNELS_DIR, else VAR_DIR/kernels, in a folder named for its sources and flags:
a changed source is another folder, and no library is ever stale.
"""

import argparse
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

SOURCES: Final = Path(__file__).resolve().parent
# Contraction is off: the compiler must not fuse a multiply and an add in one instance of a
# template and not in another, or a row's bits would depend on how many rows there are.
FLAGS: Final = ("-std=c++17", "-O3", "-fPIC", "-shared", "-fopenmp", "-ffp-contract=off")
TIMEOUT_S: Final = 300


class KernelsUnavailableError(Exception):
    """This machine has no kernels; the message says why."""


class Target(NamedTuple):
    """A kind of processor: what it must have, and how to compile for it."""

    name: str
    needs: frozenset[str]  # names in /proc/cpuinfo
    flags: tuple[str, ...]


_V3 = frozenset({"avx2", "fma", "bmi2", "f16c", "movbe"})
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
_BF16 = _V4 | {"avx512_bf16"}
AMX: Final = Target(
    "amx",
    _BF16 | {"amx_tile", "amx_bf16"},
    ("-march=x86-64-v4", "-mavx512bf16", "-mamx-tile", "-mamx-bf16"),
)
TARGETS: Final = (  # the best first
    AMX,
    Target("avx512bf16", _BF16, ("-march=x86-64-v4", "-mavx512bf16")),
    Target("avx512", _V4, ("-march=x86-64-v4",)),
    Target("avx2", _V3, ("-march=x86-64-v3",)),
)


def processor_features() -> frozenset[str]:
    """Return the instruction sets of this processor, as Linux names them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


def targets_here() -> list[Target]:
    """Return what this processor can run, the best first. Raises KernelsUnavailableError."""
    features = processor_features()
    if fitting := [target for target in TARGETS if target.needs <= features]:
        return fitting
    machine = platform.machine() or "this processor"
    raise KernelsUnavailableError(f"{machine} without AVX2 and FMA under Linux has no kernels")


def kernels_folder() -> Path:
    """Return where libraries are kept."""
    if folder := os.environ.get("KERNELS_DIR"):
        return Path(folder)
    return Path(os.environ.get("VAR_DIR") or SOURCES.parents[2] / "var") / "kernels"


def library_path(folder: Path, target: Target) -> Path:
    """Return where the library for the sources as they are now lies, or will lie."""
    digest = hashlib.sha256(repr((FLAGS, target.flags)).encode())
    for source in sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return folder / f"{target.name}-{digest.hexdigest()[:16]}" / "kernels.so"


def build(folder: Path, target: Target) -> Path:
    """Return the library for `target`, compiled now if it is missing.

    Raises KernelsUnavailableError. Several processes may call this at once.
    """
    library = library_path(folder, target)
    if library.exists():
        return library
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with (library.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not library.exists():
                _compile(library, target)
    except OSError as error:
        raise KernelsUnavailableError(f"cannot write {folder}: {error.strerror}") from error
    return library


def _compile(library: Path, target: Target) -> None:
    """Put the library in its place in one move, so that nobody ever loads half of one."""
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        raise KernelsUnavailableError("there is no C++ compiler: install g++, or name one in CXX")
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        made = Path(scratch) / library.name
        sources = [str(source) for source in sorted(SOURCES.glob("*.cpp"))]
        run_compiler([compiler, *FLAGS, *target.flags, *sources, "-o", str(made)])
        made.replace(library)


def run_compiler(command: list[str]) -> None:
    """Run a compiler. Raises KernelsUnavailableError with its first complaint."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelsUnavailableError(f"the compiler did not run: {error}") from error
    if done.returncode:
        complaints = [line for line in done.stderr.splitlines() if "error" in line]
        first = next(iter(complaints), f"exit status {done.returncode}")
        raise KernelsUnavailableError(f"the kernels do not compile: {first[:300]}")


def main() -> int:
    """Build and say where."""
    parser = argparse.ArgumentParser(description="Compile the engine's kernels.")
    parser.add_argument("--every", action="store_true", help="for every kind of processor")
    parser.add_argument("--into", type=Path, default=kernels_folder(), help="folder of libraries")
    chosen = parser.parse_args()
    try:
        for target in TARGETS if chosen.every else targets_here()[:1]:
            sys.stdout.write(f"{build(chosen.into, target)}\n")
    except KernelsUnavailableError as error:
        sys.stderr.write(f"No kernels; the engine runs without: {error}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
