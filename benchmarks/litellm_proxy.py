"""LiteLLM's proxy with its recommended production settings, in a virtual environment of its own.

One static key, no database, one model behind the mock. https://docs.litellm.ai/docs/proxy/prod
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.endpoint import Endpoint
from benchmarks.environment import environment as installed
from benchmarks.environment import python_in
from benchmarks.process import await_answer, free_port, running

WANTED: Final = "litellm[proxy]==1.106.*"
NEWEST: Final = "litellm[proxy]"  # where that one is not to be had
_START_S: Final = 180.0
_MODEL: Final = "mock"


def environment() -> Path:
    """Return the virtual environment with LiteLLM in it; made on the first call."""
    return installed("litellm", [WANTED], [NEWEST])


def version(place: Path) -> str:
    """Return which LiteLLM is in the virtual environment."""
    question = "import importlib.metadata as m; print(m.version('litellm'))"
    return subprocess.check_output([python_in(place), "-c", question], text=True).strip()


@contextmanager
def running_proxy(folder: Path, place: Path, workers: int) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Run the proxy and the mock it stands before; yield both endpoints."""
    key = f"sk-{secrets.token_urlsafe(24)}"
    mock = Endpoint("mock", free_port(), "unused", _MODEL)
    with ExitStack() as stack:
        _start_mock(stack, folder, mock.port)
        proxy = Endpoint("LiteLLM", free_port(), key, _MODEL)
        config = folder / "litellm.yaml"
        config.write_text(json.dumps(_config(mock.port, key)))  # JSON is YAML as well
        _start(stack, folder, _command(place, config, proxy.port, workers))
        yield proxy, mock


def _start_mock(stack: ExitStack, folder: Path, port: int) -> None:
    log = folder / "mock.log"
    command = [
        *(sys.executable, "-m", "uvicorn", "benchmarks.mock_openai:application"),
        *("--port", str(port), "--loop", "uvloop", "--http", "httptools", "--lifespan", "off"),
        *("--no-access-log", "--log-level", "warning"),
    ]
    mock = stack.enter_context(running(command, log))
    await_answer(mock, f"http://127.0.0.1:{port}/", log, seconds=_START_S)


def _start(stack: ExitStack, folder: Path, command: list[str]) -> None:
    log = folder / "litellm.log"
    settings = {
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        # Prices come from the package and not, at each start, from the network.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    # Nothing of this process's virtual environment or Django settings.
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    proxy = stack.enter_context(running(command, log, environment={**inherited, **settings}))
    port = command[command.index("--port") + 1]
    await_answer(proxy, f"http://127.0.0.1:{port}/health/liveliness", log, seconds=_START_S)


def _command(place: Path, config: Path, port: int, workers: int) -> list[str]:
    return [
        *(str(place / "bin" / "litellm"), "--config", str(config)),
        *("--host", "127.0.0.1", "--port", str(port), "--num_workers", str(workers)),
    ]


def _config(mock_port: int, key: str) -> dict[str, object]:
    upstream = {
        "model": f"openai/{_MODEL}",
        "api_base": f"http://127.0.0.1:{mock_port}/v1",
        "api_key": "unused",
    }
    return {
        "model_list": [{"model_name": _MODEL, "litellm_params": upstream}],
        "general_settings": {"master_key": key},
        "litellm_settings": {
            "request_timeout": 600,
            "set_verbose": False,
            "json_logs": True,
            "telemetry": False,
        },
    }
