"""What happens when a web process starts and before it ends."""

import gc
from collections.abc import Awaitable, Callable
from typing import Any, Final

Hook = Callable[[], Awaitable[None]]
_at_start: Final[list[Hook]] = []
_at_end: Final[list[Hook]] = []


def at_start(hook: Hook) -> Hook:
    """Run `hook` before the first request."""
    _at_start.append(hook)
    return hook


def at_end(hook: Hook) -> Hook:
    """Run `hook` after the last request."""
    _at_end.append(hook)
    return hook


class Lifespan:
    """The ASGI lifespan protocol."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for hook in _at_start:
            await hook()
        # All that was imported stays for good: the collector need not walk through it again.
        gc.collect()
        gc.freeze()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for hook in reversed(_at_end):
            await hook()
        await send({"type": "lifespan.shutdown.complete"})
