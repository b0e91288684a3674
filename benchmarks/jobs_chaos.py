"""Jobs while everything dies: workers killed at random, the store restarted, the runner killed.

`python -m benchmarks.jobs_chaos [--jobs 1000] [--kills 10]`. Prints the tally. Exit status 1: a job
was not completed exactly once, or the ledger or the counters do not agree.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from benchmarks.jobs_platform import JobsPlatform, running_jobs_platform

_TOKENS: Final = 16
_RUNNER: Final = ("--interval-ms", "20", "--tokens", str(_TOKENS))
_LEASE_S: Final = 5
_END_S: Final = 1_200.0


def main() -> int:
    """Do it, print the tally, and return the exit status."""
    arguments = _arguments()
    os.environ["LEASE_TTL_S"] = str(_LEASE_S)
    random.seed(arguments.seed)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        running_jobs_platform(Path(folder), arguments.models, runner=_RUNNER) as platform,
    ):
        began, ids = time.monotonic(), list[str]()
        submitting = threading.Thread(target=_submit, args=(platform.client, arguments.jobs, ids))
        submitting.start()
        _kill(platform, arguments.kills, arguments.pause)
        submitting.join()
        _await_end(len(ids))
        return _tally(arguments.jobs, time.monotonic() - began)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs_chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10, help="of workers")
    parser.add_argument("--pause", type=float, default=4.0, help="seconds between two, at most")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--models", type=Path, default=Path("var/models").absolute())
    return parser.parse_args()


def _submit(client: httpx.Client, jobs: int, ids: list[str]) -> None:
    """Submit so many, each once however often it has to be sent while the store is away."""
    for number in range(jobs):
        headers = {"Idempotency-Key": f"job-{number}"}
        body = {"text": f"job {number}", "max_length": _TOKENS}
        while True:
            with suppress(httpx.TransportError):
                answer = client.post("/api/v1/generate/async", json=body, headers=headers)
                if answer.status_code == httpx.codes.ACCEPTED:
                    ids.append(answer.json()["task_id"])
                    break
            time.sleep(0.2)  # the store is being restarted


def _kill(platform: JobsPlatform, kills: int, pause: float) -> None:
    for number in range(1, kills + 1):
        time.sleep(random.uniform(0.5, pause))  # jobs are under way
        victims = platform.worker.children()
        if victims and number % 3:
            with suppress(ProcessLookupError):
                os.kill(random.choice(victims), signal.SIGKILL)
            print(f"{number}: a process of the worker killed")
        else:
            platform.worker.kill()
            print(f"{number}: the worker killed with all its processes")
            platform.worker.start()
        if number == kills // 3:
            platform.store.stop()
            platform.store.start()
            print("the store restarted")
        if number == 2 * kills // 3:
            platform.runner.kill()
            platform.runner.start()
            print("the runner killed, and another one started")


def _await_end(jobs: int) -> None:
    from inference.jobs.models import ENDED, Job

    deadline = time.monotonic() + _END_S
    while Job.objects.filter(status__in=ENDED).count() < jobs and time.monotonic() < deadline:
        time.sleep(0.5)  # between two looks


def _tally(jobs: int, seconds: float) -> int:
    from asgiref.sync import async_to_sync
    from django.db.models import Sum

    from inference.gateway.limits.rebuilding import drift_find
    from inference.gateway.models import Request
    from inference.jobs.models import Job

    time.sleep(_LEASE_S * 2)  # what the dead had set aside is given back
    statuses = Counter(Job.objects.values_list("status", flat=True))
    rows = Request.objects.filter(status="completed")
    named = Job.objects.filter(request_id__in=rows.values("id")).count()
    charged = Request.objects.aggregate(n=Sum("charged_requests"))["n"] or 0
    tokens = rows.aggregate(n=Sum("completion_tokens"))["n"] or 0
    attempts = Job.objects.aggregate(n=Sum("attempts"))["n"] or 0
    drifts = async_to_sync(drift_find)()
    print(f"{jobs} jobs in {seconds:.0f} s: {dict(statuses)}; {attempts} attempts")
    print(f"history: {rows.count()} completed, {charged} charged, {tokens} tokens made")
    checks = {
        "every job completed": statuses == {"completed": jobs},
        "each exactly once": rows.count() == named == charged == jobs,
        "the ledger agrees": tokens == jobs * _TOKENS,
        "no counter is adrift": not drifts,
    }
    for what, holds in checks.items():
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {what}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
