"""No kernel touches an item that is not its own, whatever the shape."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from inference.engine.kernels.build import SOURCES, Target, targets_here

DRIVER = Path(__file__).parent / "driver.cpp"


@pytest.mark.parametrize("target", targets_here(), ids=lambda target: target.name)
def test_every_kernel_is_clean_over_random_shapes(target: Target, tmp_path: Path) -> None:
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    assert compiler, "a C++ compiler is needed to test the kernels"
    program = tmp_path / "driver"
    checks = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")
    subprocess.run(
        [compiler, "-std=c++17", "-fopenmp", "-ffp-contract=off", *checks, *target.flags,
         f"-I{SOURCES}", *map(str, sorted(SOURCES.glob("*.cpp"))), str(DRIVER), "-o", str(program)],
        check=True,
    )  # fmt: skip
    # OpenMP's own threads are never joined; what they hold is not the kernels' leak.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "LD_PRELOAD": ""}
    done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout == "clean\n"
