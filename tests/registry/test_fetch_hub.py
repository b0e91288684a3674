"""A model out of a hub's repository, for which a stand-in answers: pinned, whole, no code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.engine.checkpoint import check_directory
from inference.registry.fetch import FetchError, is_prepared, prepare
from inference.registry.sources import HubSource, SourceError, parse_source
from tests.engine import tiny_models
from tests.registry.hub_server import REVISION, Hub, serving

SOURCE = HubSource("owner/name", REVISION)
BESIDE = {  # what repositories have and models do not need
    "README.md": b"# hello",
    "pytorch_model.bin": b"a pickle",
    "onnx/model.onnx": b"onnx",
    "original/model.safetensors": b"another",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tiny_models.save("llama", tmp_path_factory.mktemp("model"))
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def hub(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub({**files, **BESIDE})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


def test_the_model_is_there_and_nothing_else_of_the_repository(
    hub: Hub, files: dict[str, bytes], destination: Path
) -> None:
    prepare(SOURCE, destination, "bfloat16")
    check_directory(destination)
    found = {file.name: file.read_bytes() for file in destination.iterdir()}
    assert found.pop("manifest.json")
    assert found == files
    assert is_prepared(SOURCE, destination, "bfloat16")
    assert not [path for path in hub.asked if path.endswith((".bin", ".onnx", ".md"))]


def test_a_prepared_model_asks_the_hub_nothing(hub: Hub, destination: Path) -> None:
    prepare(SOURCE, destination, "bfloat16")
    hub.asked.clear()
    prepare(SOURCE, destination, "bfloat16")
    assert hub.asked == []


def test_another_commit_is_made_anew(hub: Hub, destination: Path) -> None:
    prepare(SOURCE, destination, "bfloat16")
    assert not is_prepared(HubSource("owner/name", "f" * 40), destination, "bfloat16")


@pytest.mark.parametrize("name", ["modeling_tiny.py", "sub/tool.py", "fast.so"])
def test_a_repository_with_code_is_refused_before_anything_is_fetched(
    hub: Hub, destination: Path, name: str
) -> None:
    hub.files[name] = b"import os"
    with pytest.raises(FetchError, match="program code"):
        prepare(SOURCE, destination, "bfloat16")
    assert len(hub.asked) == 1
    assert not destination.exists()


def test_a_configuration_that_names_code_is_refused(hub: Hub, destination: Path) -> None:
    hub.files["config.json"] = b'{"auto_map": {"AutoModel": "evil--repo.Model"}}'
    with pytest.raises(FetchError, match="auto_map"):
        prepare(SOURCE, destination, "bfloat16")
    assert not destination.exists()


@pytest.mark.parametrize(
    "name", ["../../escaped.json", "/etc/escaped.json", "a/../../b/config.json"]
)
def test_a_name_that_leaves_the_folder_is_never_asked_for(
    hub: Hub, destination: Path, name: str
) -> None:
    hub.files[name] = b"{}"
    prepare(SOURCE, destination, "bfloat16")
    assert not [path for path in hub.asked if "escaped" in path or "/b/" in path]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights[:-9], "bytes instead of"),
        (lambda weights: weights + b"more", "longer than"),
        (lambda weights: weights[:-1] + bytes([weights[-1] ^ 1]), "not the file the hub lists"),
    ],
    ids=["cut short", "too long", "changed"],
)
def test_weights_that_are_not_what_is_listed_are_thrown_away(
    hub: Hub, destination: Path, change: object, said: str
) -> None:
    assert callable(change)
    hub.sent["model.safetensors"] = change(hub.files["model.safetensors"])
    with pytest.raises(FetchError, match=said):
        prepare(SOURCE, destination, "bfloat16")
    assert not destination.exists()
    hub.sent.clear()
    prepare(SOURCE, destination, "bfloat16")  # what was left over is in nobody's way


def test_another_commit_than_the_pinned_one_is_refused(hub: Hub, destination: Path) -> None:
    hub.sha = "f" * 40
    with pytest.raises(FetchError, match="another commit"):
        prepare(SOURCE, destination, "bfloat16")


def test_a_repository_without_safetensors_is_told(hub: Hub, destination: Path) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(FetchError, match="no safetensors"):
        prepare(SOURCE, destination, "bfloat16")


def test_what_the_hub_does_not_have_is_told(hub: Hub, destination: Path) -> None:
    with pytest.raises(FetchError, match="no such public repository"):
        prepare(HubSource("owner/other", REVISION), destination, "bfloat16")


def test_without_a_hub_the_remedy_is_told(
    destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match="check the network"):
        prepare(SOURCE, destination, "bfloat16")


def test_a_source_written_out_reads_back_the_same() -> None:
    assert parse_source(str(SOURCE)) == SOURCE
    assert parse_source(f"owner/name@{REVISION}") == SOURCE


@pytest.mark.parametrize(
    "text", ["hub:owner/name", "owner/name", "hub:owner/name@main", "hf:a/b/c@" + REVISION]
)
def test_a_branch_is_refused_because_it_can_change(text: str) -> None:
    with pytest.raises(SourceError, match="40 hex digits"):
        parse_source(text)
