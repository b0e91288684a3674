"""Fetching a model in a process of its own, so that disabling the model can end it.

Run as `python -m inference.registry.agent.preparation '<Preparation as JSON>'`; it writes one JSON
object a line: progress, or the reason why it failed.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from inference.engine.config import Dtype
from inference.registry.fetch import FetchError, is_prepared, prepare
from inference.registry.sources import PathSource, SourceError, parse_source

REPORT_S: Final = 0.5


class Preparation(msgspec.Struct, frozen=True):
    """What to fetch, and where to."""

    source: str
    directory: str
    dtype: Dtype


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the process: how far it is, or why it failed."""

    step: str = ""
    progress: float = 0.0  # 0..1
    error: str = ""


def needed(wanted: Preparation) -> bool:
    """Return whether something is to be fetched. Raises SourceError."""
    source = parse_source(wanted.source)
    if isinstance(source, PathSource):
        return False  # used where it lies; the runner checks it
    return not is_prepared(source, Path(wanted.directory), wanted.dtype)


def main(argument: str) -> int:
    """Fetch, telling how far it is."""
    wanted = msgspec.json.decode(argument, type=Preparation)
    try:
        prepare(
            parse_source(wanted.source), Path(wanted.directory), wanted.dtype, _reporter(_write)
        )
    except (FetchError, SourceError) as error:
        _write(Report(error=str(error)))
        return 1
    return 0


def _reporter(write: Callable[[Report], None]) -> Callable[[str, int, int], None]:
    last = 0.0

    def report(step: str, done: int, total: int) -> None:
        nonlocal last
        if done >= total or time.monotonic() - last >= REPORT_S:
            last = time.monotonic()
            write(Report(step=step, progress=done / max(total, 1)))

    return report


def _write(report: Report) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
