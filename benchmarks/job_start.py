"""From a job's submission until a worker has begun it, on an idle platform, by one clock.

`python -m benchmarks.job_start [--jobs 200]`. One job after the other, a canned runner behind the
worker. Exit status 1: the p50 is over the target.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx

from benchmarks.jobs_platform import running_jobs_platform
from benchmarks.measurement import percentile

TARGET_MS: Final = 30.0
_WARM_UP: Final = 10
_ENDED: Final = ("completed", "failed", "cancelled")


def main() -> int:
    """Measure, print, and return the exit status."""
    arguments = _arguments()
    with (
        tempfile.TemporaryDirectory(prefix="starts-") as folder,
        running_jobs_platform(Path(folder), arguments.models) as platform,
    ):
        ids = [_one(platform.client) for _ in range(_WARM_UP + arguments.jobs)]
        waits = sorted(_waits_ms(ids[_WARM_UP:]))
    p50, p99 = percentile(waits, 50), percentile(waits, 99)
    print(f"{len(waits)} jobs: begun after {p50:.1f} ms p50, {p99:.1f} ms p99")
    held = p50 < TARGET_MS
    print(f"{'holds' if held else 'does not hold'}: under {TARGET_MS:g} ms at p50")
    return 0 if held else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.job_start", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--models", type=Path, default=Path("var/models").absolute())
    return parser.parse_args()


def _one(client: httpx.Client) -> str:
    """Submit a job, wait for its end and return its id."""
    answer = client.post("/api/v1/generate/async", json={"text": "hi", "max_length": 4})
    task_id = str(answer.raise_for_status().json()["task_id"])
    while client.get(f"/api/v1/tasks/{task_id}").json()["status"] not in _ENDED:
        time.sleep(0.02)  # between two looks
    return task_id


def _waits_ms(ids: list[str]) -> list[float]:
    from inference.jobs.models import Job

    times = Job.objects.filter(id__in=ids).values_list("created_at", "started_at")
    return [(begun - made).total_seconds() * 1000 for made, begun in times if begun]


if __name__ == "__main__":
    sys.exit(main())
