"""The real nginx with the configuration that ships, on ports and folders of a test."""

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.deploy.compose_file import REPOSITORY
from tests.deploy.local_process import accepts, free_port, running
from tests.required_services import binary

TEMPLATE: Final = REPOSITORY / "deploy" / "nginx" / "nginx.conf.template"


def render(values: dict[str, str]) -> str:
    """Fill the template in as the nginx image's entrypoint does."""
    return re.sub(r"\$\{([A-Z_]+)\}", lambda found: values[found[1]], TEMPLATE.read_text())


@contextlib.contextmanager
def nginx_proxy(
    folder: Path,
    *,
    web_ports: Sequence[int],
    static_root: Path,
    max_body_bytes: int,
    max_upload_bytes: int = 10_000,
) -> Iterator[str]:
    """Run nginx before the web processes on `web_ports`; yield its address."""
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        render(
            {
                "NGINX_LISTEN": f"127.0.0.1:{port}",
                # Several addresses, as Docker's `web` has where it has replicas.
                "WEB_UPSTREAM": "; server ".join(f"127.0.0.1:{port}" for port in web_ports),
                "STATIC_ROOT": str(static_root),
                "MAX_BODY_BYTES": str(max_body_bytes),
                "MAX_UPLOAD_BYTES": str(max_upload_bytes),
            }
        )
    )
    # `user` is ignored where nginx is not started by root, and keeps the test's folders readable
    # for its workers where it is.
    command: list[str | Path] = [
        binary("nginx"),
        "-p",
        f"{folder}/",
        "-e",
        "stderr",
        "-c",
        configuration,
    ]
    subprocess.run([*command, "-t", "-q", "-g", "user root;"], check=True)
    log = folder / "nginx.log"
    daemon = [*command, "-g", "daemon off; user root;"]
    with running(daemon, log=log, ready=lambda: accepts(port)):
        yield f"http://127.0.0.1:{port}"
