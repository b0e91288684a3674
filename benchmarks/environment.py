"""Virtual environments of those who are compared with us, kept outside of any checkout."""

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.cache import cached
from benchmarks.process import StartError


def environment(name: str, *wanted: Sequence[str], shares_ours: bool = False) -> Path:
    """Return the folder of an environment; made on the first call. Raises StartError.

    Of `wanted`, lists of requirements, the first that can be had is installed. With `shares_ours`
    it sees our packages behind its own, so that both compute on the same torch.
    """
    return cached(name, partial(_install, wanted=wanted, shares_ours=shares_ours))


def python_in(place: Path) -> str:
    """Return the environment's interpreter."""
    return str(place / "bin" / "python")


def _install(place: Path, *, wanted: Sequence[Sequence[str]], shares_ours: bool) -> None:
    print(f"installing {', '.join(wanted[0])} into {place}, once", file=sys.stderr)
    venv.create(place, with_pip=True, clear=True)
    if shares_ours:
        _share(place)
    pip = [python_in(place), "-m", "pip", "install", "--quiet"]
    if not any(subprocess.run([*pip, *one], check=False).returncode == 0 for one in wanted):
        raise StartError(f"{', '.join(wanted[-1])} cannot be installed; pip's reason is above")


def _share(place: Path) -> None:
    theirs = sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)})
    # Behind its own packages on the path, which so take the place of ours.
    Path(theirs, "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
