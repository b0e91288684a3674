"""The GPU's benchmark runs, where there is no GPU as well, and never lets that go unsaid."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    hidden = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *arguments],
        cwd=ROOT,
        env={**os.environ, **hidden},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_tiny_model_is_run_by_both_on_the_cpu_and_said_to_mean_nothing() -> None:
    done = run("--tiny", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    rows = re.findall(
        r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| \d+% \|$", done.stdout, re.MULTILINE
    )
    assert [int(row[0]) for row in rows] == [1, 4]
    assert all(int(rate) > 0 for row in rows for rate in row)
    assert "nothing of a GPU" in done.stdout


def test_without_a_card_nothing_is_measured_and_that_is_said() -> None:
    done = run()
    assert done.returncode == 1
    assert done.stdout == "There is no CUDA device that torch sees: nothing was measured.\n"
