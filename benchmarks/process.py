"""Processes that live as long as a block and write into a file."""

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aiplatform.supervisor.parent_death import bound_to_this_process

END_S: Final = 20.0

Process = subprocess.Popen[bytes]


class StartError(Exception):
    """A process that the benchmark needs did not come up. The message says where its log is."""


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    inherited: Sequence[int] = (),
) -> Iterator[Process]:
    """Run `command` until the block ends, its output in `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=inherited,
            start_new_session=True,  # Ctrl-C reaches the benchmark alone, which ends the rest
            preexec_fn=bound_to_this_process(),
        )
        try:
            yield process
        finally:
            _end(process)


def await_answer(process: Process, url: str, log: Path, *, seconds: float) -> None:
    """Return once `url` answers 200. Raises StartError."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(url):
            return
        time.sleep(0.1)  # between two looks
    raise StartError(f"{url} does not answer:\n{log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _end(process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
