"""A model that does not fit is refused with the numbers, and the cache never outgrows memory."""

import io
import re
from pathlib import Path

import pytest
import torch

from inference.engine.config import RunnerConfig
from inference.engine.footprint import RESERVE_BYTES, Footprint, footprint, weight_count
from inference.engine.headroom import Headroom
from inference.engine.loading import DecoderLoader
from inference.engine.log import Log
from inference.engine.memory import available_bytes
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.sliding import KvSize
from inference.engine.statistics import Statistics
from inference.engine.wire import Failed, Finished
from tests.engine import tiny_models
from tests.engine.batches import CONTEXT, bench

MIB = 1 << 20
TOKEN_BYTES = 1000


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def machine(root: Path, *, available: int, groups: str = "") -> tuple[Path, Path]:
    """Return the roots of a /proc and a /sys/fs/cgroup that tell of `available` bytes."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "meminfo").write_text(
        f"MemTotal:       99999999 kB\nMemAvailable:   {available // 1024} kB\n"
    )
    (root / "proc" / "self" / "cgroup").write_text(groups)
    return root / "proc", root / "cgroup"


def group(directory: Path, **files: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name.replace("__", ".")).write_text(content)


def test_without_groups_the_machine_tells(tmp_path: Path) -> None:
    assert available_bytes(*machine(tmp_path, available=700 * MIB)) == 700 * MIB


def test_where_nothing_tells_nothing_is_known(tmp_path: Path) -> None:
    assert available_bytes(tmp_path / "proc", tmp_path / "cgroup") is None


def test_the_tightest_group_on_the_way_up_tells(tmp_path: Path) -> None:
    roots = machine(tmp_path, available=8000 * MIB, groups="0::/pod/container\n")
    group(roots[1] / "pod", memory__max=f"{500 * MIB}\n", memory__current=f"{100 * MIB}\n")
    group(roots[1] / "pod" / "container", memory__max="max\n", memory__current="5\n")
    assert available_bytes(*roots) == 400 * MIB


def test_file_pages_that_can_be_given_up_count_as_available(tmp_path: Path) -> None:
    roots = machine(tmp_path, available=8000 * MIB, groups="0::/\n")
    stat = f"anon 1\ninactive_file {50 * MIB}\n"
    group(
        roots[1],
        memory__max=f"{500 * MIB}",
        memory__current=f"{100 * MIB}",
        memory__stat=stat,
    )
    assert available_bytes(*roots) == 450 * MIB


def test_the_first_version_of_groups_is_understood_from_inside_a_container(tmp_path: Path) -> None:
    groups = "5:cpu,cpuacct:/\n4:memory:/docker/abc\n0::/\n"
    roots = machine(tmp_path, available=8000 * MIB, groups=groups)
    group(
        roots[1] / "memory",
        memory__limit_in_bytes=f"{300 * MIB}",
        memory__usage_in_bytes=f"{100 * MIB}",
        memory__stat="total_inactive_file 0\n",
    )
    assert available_bytes(*roots) == 200 * MIB


def test_a_full_group_leaves_nothing_and_never_less(tmp_path: Path) -> None:
    roots = machine(tmp_path, available=8000 * MIB, groups="0::/\n")
    group(roots[1], memory__max="100", memory__current="200")
    assert available_bytes(*roots) == 0


@pytest.mark.parametrize("family", tiny_models.FAMILIES)
def test_weights_and_cache_are_told_from_headers_for_every_family(
    tmp_path: Path, family: str
) -> None:
    model = tiny_models.build(family)
    tiny_models.save(family, tmp_path)
    config = model.config.get_text_config()
    told = footprint(tmp_path, config, item_bytes=4, context=100, rows=4, chunk=16)
    parameters = sum(p.numel() for p in model.parameters())
    head = model.get_input_embeddings().weight.numel()
    assert parameters * 4 <= told.weights <= (parameters + head) * 4
    assert weight_count(tmp_path) <= parameters
    assert told.slot > 0
    assert told.working > 0


def test_a_model_that_does_not_fit_is_refused_with_every_number() -> None:
    asked = Footprint(weights=900 * MIB, slot=90 * MIB, working=10 * MIB)
    with pytest.raises(LoadError) as refused:
        asked.check(slots=32, available=1100 * MIB)
    numbers = re.findall(r"([\d,]+) MiB", str(refused.value))
    assert numbers == ["900", "90", "10", "256", "1,256", "1,100"]
    asked.check(slots=32, available=1256 * MIB)
    asked.check(slots=32, available=None)


def test_it_is_refused_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_models.save("llama", tmp_path, max_position_embeddings=2**30)
    config = RunnerConfig(
        "tiny", str(tmp_path), "unused", dtype="float32", context_length=2**27, slots=2
    )
    statistics = Statistics()
    log = Log("", io.StringIO())
    monkeypatch.setattr(DecoderLoader, "_read_model", None)  # would raise if it were called
    with pytest.raises(LoadError, match="does not fit: weights"):
        DecoderLoader(config, ModelDirectory(tmp_path), statistics, log).load()
    assert statistics.progress == 0.0


class Meter:
    """Memory of which so many tokens are left; the reserve comes on top."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return RESERVE_BYTES + self.tokens * TOKEN_BYTES


def headroom(meter: Meter, slots: int) -> Headroom:
    return Headroom(slots=slots, size=KvSize(TOKEN_BYTES), available=meter)


def test_requests_wait_for_memory_as_they_wait_for_slots(tmp_path: Path) -> None:
    meter = Meter(60)
    one = bench(tmp_path, slots=4, prefill_budget=64, headroom=headroom(meter, 4))
    for number in range(3):
        one.submit(f"r{number}", list(range(10)), 15)
    for _ in range(5):
        one.engine.step()
    assert (one.scheduler.running, one.scheduler.waiting) == (2, 1)
    answers = one.finish()
    assert all(isinstance(end, Finished) for end in answers.ends.values())


def test_what_can_never_be_served_fails_and_the_smaller_ones_behind_it_are_served(
    tmp_path: Path,
) -> None:
    one = bench(tmp_path, slots=2, headroom=headroom(Meter(40), 2))
    one.submit("large", list(range(10)), 60)
    one.submit("small", list(range(10)), 10)
    answers = one.finish()
    failed = answers.ends["large"]
    assert isinstance(failed, Failed)
    assert (failed.code, "69 tokens" in failed.detail) == ("out_of_memory", True)
    assert isinstance(answers.ends["small"], Finished)


def test_nothing_is_kept_where_memory_is_short(tmp_path: Path) -> None:
    meter = Meter(100)
    one = bench(tmp_path, slots=1, kept_slots=3, headroom=headroom(meter, 4))
    for name, start in (("a", 10), ("b", 110), ("a again", 10)):
        meter.tokens = 0 if name == "b" else 100
        one.submit(name, list(range(start, start + 30)), 4)
        one.finish()
    again = one.answers.ends["a again"]
    assert isinstance(again, Finished)
    assert again.usage.cached_tokens == 0


def test_pages_that_were_written_once_are_never_asked_for_again(tmp_path: Path) -> None:
    meter = Meter(10_000)
    one = bench(tmp_path, slots=2, prefill_budget=64, headroom=headroom(meter, 2))
    for number in range(2):
        one.submit(f"longest{number}", [5 + number], CONTEXT - 1)
    one.finish()
    meter.asked = 0
    for number in range(5):
        one.submit(f"r{number}", [7, number], 20)
        one.finish()
    assert meter.asked == 0
