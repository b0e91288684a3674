"""A virtual environment for what is compared with: it sees our packages and adds what they lack."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Final

from benchmarks.process import StartError
from benchmarks.serving.cache import cached

# The extra `serving` of transformers beyond what is here, and what llama.cpp's converter imports.
_WANTED: Final = ("fastapi", "accelerate", "sentencepiece")


def python() -> str:
    """Return its interpreter; made on the first call."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return str(cached(f"python-{version}", _install) / "bin" / "python")


def _install(place: Path) -> None:
    print(f"installing {', '.join(_WANTED)} into {place}, once", file=sys.stderr)
    venv.create(place, with_pip=True, clear=True)
    paths = {"base": str(place), "platbase": str(place)}
    theirs = Path(sysconfig.get_path("purelib", vars=paths))
    (theirs / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *_WANTED]
    if subprocess.run(pip, check=False).returncode:
        raise StartError(f"{', '.join(_WANTED)} cannot be installed; pip's reason is above")
