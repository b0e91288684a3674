"""The worker knows every scheduled task, and does what is sent to it."""

import subprocess
import sys

from aiplatform.celery import app
from tests.platform_process import REPOSITORY, PlatformProcess

TASK = "inference.jobs.purge_history"


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled
    assert scheduled <= set(app.tasks)


def test_nothing_but_json_is_accepted() -> None:
    assert app.conf.task_serializer == "json"
    assert app.conf.accept_content == ["json"]


def test_the_running_worker_purges_when_told(platform: PlatformProcess) -> None:
    platform.await_ready()
    done = platform.log.count("history purged")
    subprocess.run(
        [sys.executable, "-m", "celery", "--app", "aiplatform", "call", TASK],
        cwd=REPOSITORY,
        env=platform.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    platform.until(lambda: platform.log.count("history purged") > done, "purged", seconds=20)
