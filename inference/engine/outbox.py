"""Frames that wait for one connection's socket."""

import asyncio

from inference.engine.wire import (
    Delta,
    Deltas,
    Labels,
    Lines,
    Message,
    Output,
    Outputs,
    Vector,
    encode,
)

# A reader this far behind is gone or broken: about a million characters of deltas.
MAX_PENDING_BYTES = 4 * 1024 * 1024
MESSAGE_BYTES = 256  # what a message without text is counted as
LOGPROB_BYTES = 16  # of each token that is named with its logprob, about
# Vectors come in far larger pieces than text; as many of them may wait as a few large requests.
MAX_OUTPUT_BYTES = 256 * 1024 * 1024
LABEL_BYTES = 32


class OutboxFullError(Exception):
    """The reader is so far behind that waiting for it is of no use."""


class Outbox:
    """An ordered, bounded buffer; text for one request coalesces while the socket lags."""

    def __init__(self) -> None:
        self._pending: list[Message | dict[str, Delta]] = []
        self._bytes = 0
        self._output_bytes = 0
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, message: Message) -> None:
        """Append a message. Raises OutboxFullError."""
        if isinstance(message, Deltas):
            for delta in message.items:
                self._merge(delta)
        else:
            self._pending.append(message)
            self._bytes += MESSAGE_BYTES + len(getattr(message, "text", ""))
        if isinstance(message, Outputs):
            self._output_bytes += sum(_output_size(output) for _, output in message.items)
        if self._bytes > MAX_PENDING_BYTES or self._output_bytes > MAX_OUTPUT_BYTES:
            raise OutboxFullError
        self._changed.set()

    def close(self) -> None:
        """Let `take` return what is left, and then nothing."""
        self._closed = True
        self._changed.set()

    async def take(self) -> bytes:
        """Wait until something is pending; return all of it as frames, b"" when closed."""
        await self._changed.wait()
        if not self._closed:
            self._changed.clear()
        pending, self._pending, self._bytes, self._output_bytes = self._pending, [], 0, 0
        return b"".join(
            encode(Deltas(list(item.values())) if isinstance(item, dict) else item)
            for item in pending
        )

    def _merge(self, delta: Delta) -> None:
        if not self._pending or not isinstance(self._pending[-1], dict):
            self._pending.append({})
        batch = self._pending[-1]
        assert isinstance(batch, dict)
        earlier = batch.get(delta.request_id)
        self._bytes += _size(delta) + (0 if earlier else MESSAGE_BYTES)
        batch[delta.request_id] = delta if earlier is None else _joined(earlier, delta)


def _joined(earlier: Delta, later: Delta) -> Delta:
    return Delta(
        later.request_id,
        earlier.text + later.text,
        earlier.tokens + later.tokens,
        earlier.logprobs + later.logprobs,
    )


def _size(delta: Delta) -> int:
    named = sum(1 + len(logprob.top) for logprob in delta.logprobs)
    return len(delta.text) + LOGPROB_BYTES * named


def _output_size(output: Output) -> int:
    match output:
        case Vector():
            return len(output.values)
        case Labels():
            return LABEL_BYTES * len(output.labels)
        case Lines():
            return sum(LABEL_BYTES + len(line.text) for line in output.lines)
