"""The platform's own settings on a throw-away VAR_DIR, so that no test touches an installation."""

import atexit
import os
import shutil
import tempfile

# Tests are of the CPU, unless a card is named: CUDA_VISIBLE_DEVICES=0 pytest tests/engine/devices
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# Short, because unix sockets below it must fit into 108 bytes.
_folder = tempfile.mkdtemp(prefix="aip-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
for _name in (
    "DATABASE_URL",
    "REDIS_URL",
    "MODELS_DIR",
    "RUN_DIR",
    "SPOOL_DIR",
    "STATIC_ROOT",
    "FILES_DIR",
):
    os.environ.pop(_name, None)
os.environ["VAR_DIR"] = _folder
# Compiled once for every installation that the tests set up below folders of their own.
os.environ.setdefault("KERNELS_DIR", f"{_folder}/kernels")

from aiplatform.settings import *  # noqa: E402, F403

# Django's own test client calls itself this.
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]  # noqa: F405
# A file, because SQLite's shared in-memory database answers "locked" at once where threads write.
DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; the tests' users only
