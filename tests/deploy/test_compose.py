"""docker-compose.yml: the same commands as `manage.py serve`, and nothing open that need not be."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any, Final

import pytest

from aiplatform.supervisor import plan
from tests.deploy.compose_file import COMPOSE_FILE, REPOSITORY, UnresolvedVariableError, compose

SECRETS: Final = {
    name: f"{name.lower().replace('_', '')}0123456789abcdef0123456789abcdef"
    for name in (
        "SECRET_KEY",
        "API_KEY_PEPPER",
        "JWT_SIGNING_KEY",
        "POSTGRES_PASSWORD",
        "VALKEY_PASSWORD",
    )
}
ONE_SHOT: Final = "first_run"


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    return compose(SECRETS)["services"]  # type: ignore[no-any-return]


def test_there_is_a_service_for_every_kind_of_process(services: dict[str, Any]) -> None:
    expected = {"nginx", "web", "worker", "agent", "first_run", "postgres", "valkey"}
    assert set(services) == expected


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_a_missing_secret_stops_the_start_and_says_how_to_make_one(missing: str) -> None:
    rest = {name: value for name, value in SECRETS.items() if name != missing}
    with pytest.raises(UnresolvedVariableError, match=f"put {missing} into .env.*openssl rand"):
        compose(rest)


def test_the_file_itself_holds_no_secret() -> None:
    for line in COMPOSE_FILE.read_text().splitlines():
        name, _, value = line.strip().partition(": ")
        if name in SECRETS:
            assert value.startswith(f'"${{{name}:?'), line


def test_only_nginx_publishes_a_port(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert not any(service.get("network_mode") for service in services.values())


def test_by_default_it_is_published_to_this_machine_alone(services: dict[str, Any]) -> None:
    assert services["nginx"]["ports"] == ["127.0.0.1:8000:8080"]


def test_databases_have_no_way_out(services: dict[str, Any]) -> None:
    assert compose(SECRETS)["networks"]["inside"] == {"internal": True}
    assert services["postgres"]["networks"] == ["inside"]
    assert services["valkey"]["networks"] == ["inside"]


def test_every_service_is_restarted_and_watched(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name == ONE_SHOT:
            assert service["restart"] == "no"
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


def test_every_service_runs_without_privileges(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name


def test_whatever_needs_the_database_waits_for_it_and_for_migrations(
    services: dict[str, Any],
) -> None:
    for name in ("web", "worker", "agent"):
        conditions = {on: one["condition"] for on, one in services[name]["depends_on"].items()}
        assert conditions == {
            "first_run": "service_completed_successfully",
            "postgres": "service_healthy",
            "valkey": "service_healthy",
        }


def test_web_worker_and_agent_share_the_folder_of_the_runners_sockets(
    services: dict[str, Any],
) -> None:
    for name in ("web", "worker", "agent"):
        assert "run:/run/aiplatform" in services[name]["volumes"]


def test_every_volume_that_is_used_is_declared(services: dict[str, Any]) -> None:
    mounted = {
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }
    assert mounted == set(compose(SECRETS)["volumes"])


def test_the_commands_are_those_that_serve_starts(services: dict[str, Any]) -> None:
    for child in plan.children(listening_fd=3):
        assert services[child.name]["command"] == _in_a_container(child.command)
        # Numbers are gathered over processes only where several of them answer at one address.
        given = {**child.environment}
        given.pop("PROMETHEUS_MULTIPROC_DIR", None)
        assert given.items() <= services[child.name]["environment"].items()


def test_the_proxy_and_the_web_agree_on_the_largest_body() -> None:
    resized = compose({**SECRETS, "MAX_BODY_BYTES": "1234567"})["services"]
    assert resized["nginx"]["environment"]["MAX_BODY_BYTES"] == "1234567"
    assert resized["web"]["environment"]["MAX_BODY_BYTES"] == "1234567"


def test_everything_is_given_long_enough_to_drain(services: dict[str, Any]) -> None:
    for child in plan.children(listening_fd=3):
        given = services[child.name]["stop_grace_period"]
        assert int(given.removesuffix("s")) > child.grace_s


@pytest.mark.skipif(not shutil.which("docker"), reason="no docker client")
def test_docker_compose_accepts_the_file(services: dict[str, Any]) -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("this docker client has no compose")
    shown = subprocess.run(
        ["docker", "compose", "--file", str(COMPOSE_FILE), "config", "--format", "json"],
        env={**os.environ, **SECRETS},
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    assert set(json.loads(shown.stdout)["services"]) == set(services)


def _in_a_container(command: tuple[str, ...]) -> list[str]:
    """Return a command of this machine's as it reads in the image's working directory."""
    from django.conf import settings

    words = list(command)
    if "--socket-fd" in words:  # in a container it opens its own
        at = words.index("--socket-fd")
        del words[at : at + 2]
    places = {
        sys.executable: "python",
        str(REPOSITORY / "manage.py"): "manage.py",
        str(settings.VAR_DIR / "beat-schedule"): "/var/lib/aiplatform/beat-schedule",
    }
    return [places.get(word, word) for word in words]
