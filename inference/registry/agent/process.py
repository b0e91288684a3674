"""A Python process started by the agent: its output read line by line, its end asked for."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Self

from django.conf import settings

from aiplatform.supervisor.parent_death import bound_to_this_process

_CHUNK: Final = 65_536
_LONGEST_LINE: Final = 65_536
# What only the web, worker and agent need; a runner has no business with any of it.
_SECRETS: Final = frozenset(
    {
        "SECRET_KEY",
        "API_KEY_PEPPER",
        "API_KEY_OLD_PEPPERS",
        "JWT_SIGNING_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "DJANGO_SUPERUSER_PASSWORD",
    }
)


class Process:
    """Dies with the agent, however that ends. Start it on the main thread, see parent_death."""

    def __init__(
        self, process: asyncio.subprocess.Process, on_line: Callable[[bytes], None]
    ) -> None:
        self._process = process
        self._reading = asyncio.create_task(self._read(on_line))

    @classmethod
    async def start(
        cls,
        *arguments: str,
        on_line: Callable[[bytes], None],
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Run Python with `arguments`; every line it writes goes to stderr and to `on_line`."""
        inherited = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            env={**inherited, "PYTHONPATH": str(settings.BASE_DIR), **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=bound_to_this_process(),
        )
        return cls(process, on_line)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ended(self) -> int:
        """Wait for its end and its last words; return the exit status, -N after signal N."""
        status = await self._process.wait()
        await self._reading
        return status

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self, grace_s: float) -> None:
        """Ask it to end, and kill it after `grace_s`."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            self.kill()
        await self.ended()

    async def _read(self, on_line: Callable[[bytes], None]) -> None:
        assert self._process.stdout is not None
        rest = b""
        while chunk := await self._process.stdout.read(_CHUNK):
            sys.stderr.buffer.write(chunk)
            sys.stderr.buffer.flush()
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-_LONGEST_LINE:]
            for line in lines:
                on_line(line)
        on_line(rest)
