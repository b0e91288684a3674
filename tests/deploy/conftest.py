"""The platform as docker-compose.yml puts it together, as processes of this machine."""

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.installation import Installation
from tests.deploy.nginx_proxy import nginx_proxy
from tests.deploy.password_store import password_store
from tests.deploy.postgres_server import postgres_server

SECRET_NAMES = (
    "SECRET_KEY",
    "API_KEY_PEPPER",
    "JWT_SIGNING_KEY",
    "POSTGRES_PASSWORD",
    "VALKEY_PASSWORD",
)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder with a path short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="deploy-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def installation(folder: Path) -> Iterator[Installation]:
    """Web on PostgreSQL and Redis with a canned runner, behind nginx."""
    made = {name: secrets.token_hex(16) for name in SECRET_NAMES}
    with (
        postgres_server(made["POSTGRES_PASSWORD"]) as database_url,
        password_store(folder, made) as redis_url,
    ):
        installation = Installation(folder, made, database_url, redis_url)
        installation.prepare()
        with (
            installation.web(),
            nginx_proxy(
                folder,
                web_ports=[installation.port],
                static_root=folder / "static",
                max_body_bytes=installation.max_body_bytes,
                max_upload_bytes=installation.max_upload_bytes,
            ) as address,
        ):
            installation.address = address
            installation.register_model()
            with installation.runner():
                yield installation
