"""The platform as `manage.py serve` starts it, but for the model: a canned runner answers instead.

Keys, admission, tokenization, metrics, log lines and history are all on. Neither the host agent nor
the worker runs: both are idle while requests are answered, and the runner announces itself.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.core.management import call_command

from benchmarks.answer import DELAY_S, TOKENS, WORD
from benchmarks.endpoint import Endpoint
from benchmarks.process import await_answer, free_port, running

MODEL: Final = "smollm2-135m-instruct"
SLOTS: Final = 256
_START_S: Final = 60.0


@dataclass(frozen=True)
class Platform:
    """The platform under test."""

    endpoint: Endpoint
    runner_socket: Path
    web_pid: int


@contextmanager
def running_platform(folder: Path, models: Path) -> Iterator[Platform]:
    """Run a platform with an empty VAR_DIR in `folder` and the tokenizer out of `models`."""
    configure(folder)
    key = make_rows(models / MODEL)
    runner_socket = folder / "runner.sock"
    with ExitStack() as stack:
        _start_store(stack, folder)
        stack.enter_context(running(runner_command(runner_socket), folder / "runner.log"))
        web_pid = start_web(stack, folder)
        yield Platform(Endpoint("platform", settings.PORT, key, MODEL), runner_socket, web_pid)


def configure(folder: Path) -> None:
    """Set Django up over `folder`, whatever this shell or a .env file says about other places."""
    places = {
        name: folder / name.lower() for name in ("VAR_DIR", "SPOOL_DIR", "STATIC_ROOT", "FILES_DIR")
    }
    environment = {
        **{name: str(place) for name, place in places.items()},
        "RUN_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "REDIS_URL": f"unix://{folder}/valkey.sock",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_KEY_PEPPER": secrets.token_urlsafe(48),
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "WEB_PROCESSES": "1",
        "DEBUG": "false",
        "STORE_BODIES": "true",
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
        "DJANGO_SETTINGS_MODULE": "aiplatform.settings",
    }
    os.environ.update(environment)
    django.setup()


def make_rows(model: Path) -> str:
    """Make the tables, a user, a key and the model's row; return the key."""
    call_command("migrate", verbosity=0)
    # Rows can be imported only once Django is set up.
    from accounts.models import User
    from accounts.services import api_key_create
    from inference.registry.models import Model
    from inference.registry.services import model_save

    fields = {"name": MODEL, "source": f"path:{model}", "slots": SLOTS, "is_default": True}
    model_save(model=Model(), fields=fields)
    _, key = api_key_create(user=User.objects.create_user("bench"), name="bench")
    return key


def history_rows() -> int:
    """Return how many requests the platform has written down."""
    from inference.gateway.models import Request

    return Request.objects.count()


def _start_store(stack: ExitStack, folder: Path) -> None:
    from aiplatform.supervisor.key_value_server import private_server

    spec = private_server()
    stack.enter_context(running(spec.command, folder / "store.log"))


def runner_command(socket: Path) -> list[str]:
    options = {
        "socket": socket,
        "model": MODEL,
        "redis-url": settings.REDIS_URL,
        "tokens": TOKENS,
        "word": WORD,
        "delay-ms": DELAY_S * 1000,
        "slots": SLOTS,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "tests.canned_runner", *words]


def start_web(stack: ExitStack, folder: Path) -> int:
    """Start it and return its process id."""
    from aiplatform.supervisor import plan
    from aiplatform.supervisor.listening_socket import listening_socket

    listening = stack.enter_context(listening_socket(settings.HOST, settings.PORT))
    (spec,) = (one for one in plan.children(listening.fileno()) if one.name == "web")
    log = folder / "web.log"
    plan.metrics_folder().mkdir(exist_ok=True)
    web = stack.enter_context(
        running(
            spec.command,
            log,
            environment={**os.environ, **spec.environment},
            inherited=spec.inherited,
        )
    )
    await_answer(web, f"http://127.0.0.1:{settings.PORT}/health/ready", log, seconds=_START_S)
    return web.pid
