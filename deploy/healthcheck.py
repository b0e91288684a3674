"""Is this container's web process alive? Exit status 0 says so; the image has no curl."""

import http.client
import os
import sys

TIMEOUT_S = 4


def alive() -> bool:
    """Ask `/health/live` on this machine."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=TIMEOUT_S
    )
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    sys.exit(0 if alive() else 1)
