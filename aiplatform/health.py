"""Honest health: `ready` means that a request for the default chat model would be served."""

import time
from typing import Any, Final

from django.db import Error as DatabaseAway
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from aiplatform.database import in_database
from aiplatform.json_media import encode
from aiplatform.store import Unavailable, async_store
from inference.gateway.replicas import state_of
from inference.registry.directory import Replica, replicas_async
from inference.registry.selectors import model_default

DEFAULT_TASK: Final = "chat"
_RETRY_AFTER_S: Final = 2
_started_at: Final = time.time()


class _Migrations:
    applied = False  # once true it stays so for the life of this process


async def live(request: HttpRequest) -> HttpResponse:
    """200 while this process answers at all."""
    return _json({"status": "live", "uptime_s": round(time.time() - _started_at, 1)}, 200)


async def ready(request: HttpRequest) -> HttpResponse:
    """200 only when a request for the default chat model would be served, else 503 and why."""
    report = await health_report()
    return _json(report, 200 if report["status"] == "ready" else 503)


async def summary(request: HttpRequest) -> HttpResponse:
    """The same report for people and dashboards; always 200."""
    return _json(await health_report(), 200)


async def health_report() -> dict[str, Any]:
    """Return the state of everything a request needs."""
    model, database = await _database()
    replicas, store = await _replicas()
    mine = [replica for replica in replicas if replica.model == model]
    checks = {
        "database": database,
        "store": store,
        "default_model": _model_state(model, mine) if database == "ok" else "unknown",
    }
    fine = all(state == "ok" for state in checks.values())
    return {
        "status": "ready" if fine else "unready",
        "checks": checks,
        "replicas": [_replica(replica) for replica in replicas],
    }


async def _database() -> tuple[str | None, str]:
    """Return the name of the default chat model and how the database is."""
    try:
        return await in_database(_default_model_name), "ok"
    except _PendingMigrations:
        return None, "migrations are pending: run `python manage.py migrate`"
    except DatabaseAway:
        return None, "unavailable"


class _PendingMigrations(Exception):
    pass


def _default_model_name() -> str | None:
    if not _Migrations.applied:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise _PendingMigrations
        _Migrations.applied = True
    model = model_default(task=DEFAULT_TASK)
    return model.name if model else None


async def _replicas() -> tuple[list[Replica], str]:
    try:
        return await replicas_async(async_store()), "ok"
    except Unavailable:
        return [], "unavailable"


def _model_state(model: str | None, replicas: list[Replica]) -> str:
    if model is None:
        return "no default chat model is enabled"
    states = {state_of(replica) for replica in replicas}
    if "ready" in states:
        return "ok"
    return f"{model}: {', '.join(sorted(states)) or 'no replica is running'}"


def _replica(replica: Replica) -> dict[str, Any]:
    return {
        "model": replica.model,
        "state": state_of(replica),
        "progress": round(replica.progress, 3),
        "running": replica.running,
        "waiting": replica.waiting,
        "slots": replica.slots,
    }


def _json(body: dict[str, Any], status: int) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    return HttpResponse(encode(body), "application/json", status, headers=headers)
