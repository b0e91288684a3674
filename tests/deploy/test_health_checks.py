"""The health checks of the containers, run as Docker runs them."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import redis

from inference.registry.directory import Replica, announce, withdraw
from tests.deploy.compose_file import REPOSITORY
from tests.deploy.installation import Installation
from tests.deploy.local_process import free_port


def _status(installation: Installation, script: str, **environment: str) -> int:
    command: list[str | Path] = [sys.executable, REPOSITORY / "deploy" / script]
    return subprocess.run(
        command, env={**installation.environment, **environment}, capture_output=True
    ).returncode


@pytest.fixture
def announced(installation: Installation) -> Iterator[None]:
    """Every model as an agent on this machine announces it while loading."""
    store = redis.Redis.from_url(installation.redis_url)
    models = installation.client().get("/api/v1/models").json()["results"]
    loading = [_loading(model["name"]) for model in models]
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.5):
            for replica in loading:
                announce(store, replica)

    with ThreadPoolExecutor(1) as agent:
        beating = agent.submit(beat)
        yield
        stop.set()
        beating.result()
    for replica in loading:
        withdraw(store, replica.id)


def _loading(name: str) -> Replica:
    return Replica(name, name, "unix:/none", "loading", socket.gethostname())


def test_the_web_is_healthy_while_it_answers(installation: Installation) -> None:
    assert _status(installation, "healthcheck.py") == 0


def test_a_web_that_does_not_answer_is_unhealthy(installation: Installation) -> None:
    assert _status(installation, "healthcheck.py", PORT=str(free_port())) == 1


@pytest.mark.usefixtures("announced")
def test_an_agent_that_announces_every_model_is_healthy(installation: Installation) -> None:
    assert _status(installation, "agent_healthcheck.py") == 0


def test_an_agent_that_announces_nothing_is_unhealthy(installation: Installation) -> None:
    assert _status(installation, "agent_healthcheck.py") == 1


def test_the_proxy_is_healthy_while_it_answers(installation: Installation) -> None:
    assert installation.client().get("/proxy/live").status_code == httpx.codes.NO_CONTENT
