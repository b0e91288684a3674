"""torchvision's weights of MobileNetV2 become a directory the engine can load, or nothing does."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    MobileNetV2Config,
    MobileNetV2ForImageClassification,
)

from inference.engine import convert_torchvision
from inference.engine.checkpoint import check_directory


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict in torchvision's order under names of its own, with random numbers."""
    torch.manual_seed(0)
    names = {number: f"class {number}" for number in range(1000)}
    config = MobileNetV2Config(id2label=names, tf_padding=False)
    state = MobileNetV2ForImageClassification(config).state_dict()
    path = tmp_path_factory.mktemp("torchvision") / "mobilenet.pth"
    torch.save({f"features.{n}": tensor for n, tensor in enumerate(state.values())}, path)
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({str(n): f"class {n}" for n in range(1000)}))
    return path


def test_the_result_is_whole_and_classifies(weights: Path, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert_torchvision.main([str(weights), str(out), str(labels)]) == 0
    check_directory(out, with_tokenizer=False)
    model = AutoModelForImageClassification.from_pretrained(out).eval()
    assert model.config.id2label[999] == "class 999"
    assert (model.config.tf_padding, model.config.layer_norm_eps) == (False, 1e-5)
    processor = AutoImageProcessor.from_pretrained(out)  # type: ignore[no-untyped-call]
    assert list(processor.image_mean) == [0.485, 0.456, 0.406]
    first = next(iter(torch.load(weights, weights_only=True).values()))
    assert torch.equal(next(iter(model.state_dict().values())), first)
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, 224, 224)).logits.shape == (2, 1000)
    assert not (tmp_path / "out.partial").exists()


def test_the_numbers_are_of_the_dtype_asked_for_and_counters_stay_whole(
    weights: Path, labels: Path, tmp_path: Path
) -> None:
    command = [str(weights), str(tmp_path / "out"), str(labels), "--dtype", "bfloat16"]
    assert convert_torchvision.main(command) == 0
    dtypes = {one.dtype for one in load_file(tmp_path / "out" / "model.safetensors").values()}
    assert dtypes == {torch.bfloat16, torch.int64}


class _Runs:
    """What a hostile pickle is made of."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("pickle-ran"),)


@pytest.mark.parametrize("damage", ["cut", "hostile", "shape", "missing", "other", "list"])
def test_a_file_that_is_not_those_weights_is_one_line_and_leaves_nothing(
    weights: Path,
    labels: Path,
    tmp_path: Path,
    damage: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    bad = tmp_path / "bad.pth"
    match damage:
        case "cut":
            bad.write_bytes(weights.read_bytes()[:100_000])
        case "hostile":
            bad.write_bytes(pickle.dumps({"features.0": _Runs()}, protocol=2))
        case "shape":
            state = torch.load(weights, weights_only=True)
            state["features.0"] = torch.zeros(1)
            torch.save(state, bad)
        case "missing":
            pass
        case "other":
            torch.save({"a": torch.zeros(3)}, bad)
        case "list":
            torch.save([torch.zeros(3)], bad)
    assert convert_torchvision.main([str(bad), str(tmp_path / "out"), str(labels)]) == 2
    said = capfd.readouterr().err
    assert said.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in said
    assert {one.name for one in tmp_path.iterdir()} <= {"bad.pth", "labels.json"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"0": "tench"}', "null"])
def test_labels_that_do_not_name_every_class_are_refused(
    weights: Path, tmp_path: Path, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.json").write_text(text)
    command = [str(weights), str(tmp_path / "out"), str(tmp_path / "labels.json")]
    assert convert_torchvision.main(command) == 2
    assert "does not name 1000 classes" in capfd.readouterr().err
