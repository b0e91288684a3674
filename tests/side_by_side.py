"""Runs the suite two shares at a time: `python -m tests.side_by_side [FOLDER …]`.

Most tests wait, for a web to start or a lease to expire, and leave a processor idle that another
share's can use. A share is one pytest, whose output is shown when it has ended. One that fails
fails the run. Folders that are named are a share each.
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent
AT_ONCE: Final = 2
# Folders below tests/, in the order in which they begin: the longest first, so that none of them is
# left over at the end. Those of one share use the same running platform. What is not named here is
# one more share.
SHARES: Final = (
    ("engine",),
    ("api",),
    ("browser",),
    ("kinds", "registry", "supervisor"),
    ("jobs",),
    ("gateway",),
)

Share = Sequence[Path]


class Ended(NamedTuple):
    """A share that has been run."""

    name: str
    status: int  # pytest's: 0 only where tests were found and all of them passed
    seconds: float
    output: str

    @property
    def summary(self) -> str:
        """Pytest's last line, as `97 passed, 1 skipped in 30.2s`."""
        return self.output.rstrip().rpartition("\n")[2]


def shares(root: Path = ROOT) -> list[Share]:
    """Return everything directly below `root` that holds tests, in shares."""
    named = [[root / name for name in names] for names in SHARES]
    known = {path for share in named for path in share}
    found = {one for one in root.iterdir() if one.match("test_*.py") or any(one.rglob("test_*.py"))}
    return [*named, sorted(found - known)]


async def run(chosen: Sequence[Share], environment: Mapping[str, str]) -> list[Ended]:
    """Run the shares, two at a time, and show what each said. A cancelled run ends them first."""
    places = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_in_turn(share, places, environment)) for share in chosen]
    return [task.result() for task in tasks]


async def _in_turn(
    share: Share, places: asyncio.Semaphore, environment: Mapping[str, str]
) -> Ended:
    async with places:
        print(f"{_name(share)} …", flush=True)
        ended = await _pytest(share, environment)
        print(f"\n── {ended.name}\n{ended.output}", flush=True)
        return ended


def _name(share: Share) -> str:
    return " ".join(path.name for path in share)


async def _pytest(share: Share, environment: Mapping[str, str]) -> Ended:
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", *map(str, share)),
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches it once, from here
        )
        try:
            status = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)  # so that it ends what it has started
            await process.wait()
        output.seek(0)
        return Ended(_name(share), status, time.monotonic() - began, output.read())


def report(ended: Sequence[Ended]) -> str:
    """Return a line for each share, and one for all of them together."""
    lines = [f"{one.seconds:4.0f} s  {one.name}: {one.summary}" for one in ended]
    counts: Counter[str] = Counter()
    for number, what in re.findall(r"(\d+) ([a-z]+)", " ".join(one.summary for one in ended)):
        counts[what] += int(number)
    total = ", ".join(f"{number} {what}" for what, number in counts.items())
    failed = ", ".join(one.name for one in ended if one.status != 0)
    return "\n".join([*lines, f"{total}{f'; FAILED: {failed}' if failed else ''}"])


async def main(chosen: Sequence[Share]) -> int:
    """Run them and return the exit status."""
    began = time.monotonic()
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="aip-") as folder:
        # Compiled once for all of them.
        environment = {"KERNELS_DIR": f"{folder}/kernels", **os.environ}
        ended = await run(chosen, environment)
    print(f"\n{report(ended)} in {time.monotonic() - began:.0f} s")
    return int(any(one.status != 0 for one in ended))


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main([[Path(name)] for name in sys.argv[1:]] or shares())))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("Ended before all of them were run.")
