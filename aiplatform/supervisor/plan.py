"""Which children a platform on one machine consists of, in the order they start."""

import os
import sys
from pathlib import Path
from typing import Final

from django.conf import settings

from aiplatform.supervisor.child import ChildSpec

WORKER_PROCESSES: Final = 2
# The runners' own bound for finishing what they began is 10 s.
AGENT_GRACE_S: Final = 15.0


def children(listening_fd: int) -> list[ChildSpec]:
    """Return the host agent, the worker and the web processes."""
    webs = [_web(number, listening_fd) for number in range(1, settings.WEB_PROCESSES + 1)]
    return [_agent(), _worker(), *webs]


def metrics_folder() -> Path:
    """Return where the processes leave their numbers for each other (STACK: django-prometheus)."""
    return Path(settings.VAR_DIR) / "metrics"


def _agent() -> ChildSpec:
    return ChildSpec("agent", stage=1, command=_manage("agent"), grace_s=AGENT_GRACE_S)


def _worker() -> ChildSpec:
    command = (
        *(sys.executable, "-m", "celery", "--quiet", "--app", "aiplatform", "worker"),
        *("--pool", "prefork", "--concurrency", str(WORKER_PROCESSES)),
        *("--beat", "--schedule", os.fspath(settings.VAR_DIR / "beat-schedule")),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
    grace = settings.SHUTDOWN_GRACE_S + 2.0
    # first_run made Django's checks; Celery would make them again and load every view for it.
    environment = {"CELERY_SKIP_CHECKS": "1", **_shared_metrics()}
    return ChildSpec("worker", 2, command, grace, environment=environment)


def _web(number: int, listening_fd: int) -> ChildSpec:
    return ChildSpec(
        name="web" if settings.WEB_PROCESSES == 1 else f"web-{number}",
        stage=3,
        command=_manage("web", "--socket-fd", str(listening_fd)),
        # uvicorn ends what still runs after the grace; the rest is for settling that.
        grace_s=settings.SHUTDOWN_GRACE_S + 5.0,
        environment=_shared_metrics(),
        inherited=(listening_fd,),
    )


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, os.fspath(settings.BASE_DIR / "manage.py"), *arguments)


def _shared_metrics() -> dict[str, str]:
    return {"PROMETHEUS_MULTIPROC_DIR": os.fspath(metrics_folder())}
