"""Does this container's host agent do its work? Exit status 0 says so.

It does where every enabled model has a replica announced from here, in whatever state: announcing
is the last thing the agent's loop does, and an announcement lives for seconds only.
"""

import os
import socket
import sys
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiplatform.settings")
django.setup()

from aiplatform.store import blocking_store  # noqa: E402
from inference.registry.directory import replicas  # noqa: E402
from inference.registry.selectors import models_enabled  # noqa: E402


def neglected() -> set[str]:
    """Return the enabled models that have no replica announced from this host."""
    mine = {one.model for one in replicas(blocking_store()) if one.host == socket.gethostname()}
    return {model.name for model in models_enabled()} - mine


if __name__ == "__main__":
    names = ", ".join(sorted(neglected()))
    sys.exit(f"no replica announced here: {names}" if names else 0)
