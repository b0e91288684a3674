"""Work over tensors that stay where they are, captured once and replayed.

A step of a small model is some hundred kernels of a few microseconds each, and telling a card of
one takes Python about as long: a CUDA graph tells it of all at once. On the CPU the work is simply
done, so that the same code runs and is tested there.
"""

from collections.abc import Callable, Hashable

import torch

Work = Callable[[], None]


class Graphs:
    """What was captured, by key. All of it shares one pool of memory and runs on one stream.

    The device must be the thread's current one. What work leaves behind must lie in tensors that
    were made outside of it: the rest may be overwritten by whatever is replayed next.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._replays: dict[Hashable, Work] = {}
        if device.type == "cuda":
            self._pool = torch.cuda.graph_pool_handle()
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def run(self, key: Hashable, work: Work) -> None:
        """Do `work`, which is the same for the same `key`, and may be done twice the first time."""
        replay = self._replays.get(key)
        if replay is None:
            replay = self._replays[key] = self._captured(work)
        replay()

    def mark(self) -> Work:
        """Return what waits until all that was asked of the device up to now is done."""
        if self._device.type != "cuda":
            return _done
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        return event.synchronize

    def _captured(self, work: Work) -> Work:
        if self._device.type != "cuda":
            return work
        self._warm_up(work)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            work()
        return graph.replay

    def _warm_up(self, work: Work) -> None:
        """Do it once outside of a graph: libraries make their workspaces the first time.

        They make them for a stream, so on the one that captures, which must not be the current one
        (https://docs.pytorch.org/docs/stable/notes/cuda.html).
        """
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            work()
        current.wait_stream(self._stream)


def _done() -> None:
    """Wait for nothing: what the CPU is asked for is done when the call returns."""
