"""The kernels are compiled once, whole, and a machine that cannot says why."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from inference.engine.kernels import build as building
from inference.engine.kernels import library
from inference.engine.kernels.build import (
    TARGETS,
    KernelsUnavailableError,
    build,
    library_path,
    targets_here,
)

HERE = targets_here()[0]


def test_several_processes_at_once_make_one_library(tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"
    log = tmp_path / "calls"
    compiler.write_text(
        f'#!/bin/sh\necho call >> {log}\nfor last; do :; done\necho made > "$last"\n'
    )
    compiler.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setenv("CXX", str(compiler))
        made = set(pool.map(lambda _: build(tmp_path / "kernels", HERE), range(4)))
    (library,) = made
    assert library.read_text() == "made\n"
    assert log.read_text() == "call\n"
    assert sorted(p.name for p in library.parent.iterdir()) == ["kernels.so", "lock"]


def test_a_changed_source_is_another_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = library_path(tmp_path, HERE)
    shutil.copytree(building.SOURCES, tmp_path / "sources")
    monkeypatch.setattr(building, "SOURCES", tmp_path / "sources")
    assert library_path(tmp_path, HERE) == before
    with (tmp_path / "sources" / "linear.cpp").open("a") as source:
        source.write("// changed\n")
    assert library_path(tmp_path, HERE) != before


def test_without_a_compiler_the_reason_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(KernelsUnavailableError, match="install g"):
        build(tmp_path, HERE)


def test_what_does_not_compile_leaves_nothing_that_could_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "FLAGS", (*building.FLAGS, "-DSTRETCH=nonsense::none"))
    with pytest.raises(KernelsUnavailableError, match="do not compile"):
        build(tmp_path, HERE)
    assert not list(tmp_path.rglob("*.so"))


def test_a_folder_that_cannot_be_written_is_a_reason_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KernelsUnavailableError, match="cannot write"):
        build(tmp_path / "file" / "kernels", HERE)


@pytest.mark.parametrize(
    ("features", "name"),
    [
        ({"avx2", "fma", "bmi2", "f16c", "movbe"}, "avx2"),
        (TARGETS[0].needs, "amx"),
        (TARGETS[0].needs - {"amx_bf16"}, "avx512bf16"),
        (TARGETS[2].needs | {"avx512_vnni"}, "avx512"),
    ],
)
def test_the_best_that_a_processor_can_run_is_chosen(
    features: set[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "processor_features", lambda: frozenset(features))
    assert targets_here()[0].name == name


@pytest.mark.parametrize("permitted", [True, False])
def test_registers_that_the_system_withholds_are_done_without(
    permitted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    best, plain = TARGETS[0], TARGETS[-1]
    monkeypatch.setattr(library, "targets_here", lambda: [best, plain])
    made = {best: SimpleNamespace(permitted=permitted), plain: SimpleNamespace(permitted=True)}
    monkeypatch.setattr(library, "load_target", made.get)
    chosen: object = library.load_kernels.__wrapped__()
    assert chosen is made[best if permitted else plain]


def test_a_processor_without_avx2_has_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "processor_features", lambda: frozenset({"sse4_2"}))
    with pytest.raises(KernelsUnavailableError, match="AVX2"):
        targets_here()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_kernels_compile_for_every_kind_of_processor(
    target: building.Target, tmp_path: Path
) -> None:
    assert build(tmp_path, target).stat().st_size > 10_000
