"""What one run of the load measured."""

import math
from collections.abc import Sequence

import msgspec


class Measurement(msgspec.Struct, frozen=True):
    """One run against one server. Latencies in ms, from the request's first byte to the answer's
    last one."""

    requests: int
    rps: float  # answers a second
    p50_ms: float
    p99_ms: float


def measurement_of(latencies: Sequence[float], seconds: float) -> Measurement:
    """Return what answers with these `latencies` (seconds), all within `seconds`, come to."""
    ordered = sorted(latencies)
    return Measurement(
        requests=len(ordered),
        rps=len(ordered) / seconds,
        p50_ms=percentile(ordered, 50) * 1000,
        p99_ms=percentile(ordered, 99) * 1000,
    )


def percentile(ordered: Sequence[float], rank: float) -> float:
    """Return the nearest-rank percentile: the least value that `rank` percent do not exceed."""
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[max(0, math.ceil(len(ordered) * rank / 100) - 1)]
