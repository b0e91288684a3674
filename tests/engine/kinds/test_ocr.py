"""Text in pictures: lines with corners and scores, and what there is to say without the extra."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image as Pixels

from inference.engine.checkpoint import BrokenCheckpoint, check_directory
from inference.engine.kinds import ocr
from inference.engine.kinds.kind import Kind
from inference.engine.model_directory import LoadError
from inference.engine.submission import Refusal
from inference.engine.task import OCR, WrongTask, check_task
from inference.engine.wire import Image, Lines
from tests.engine.kinds.loaded import load, loading, text
from tests.ocr_model import LINES, TOPS, as_png, make_ocr_model, package_folder, page


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ocr_model(tmp_path_factory.mktemp("ocr") / "model")


@pytest.fixture(scope="module")
def kind(directory: Path) -> Kind:
    return load(directory, OCR)[0]


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A directory that is one by its config.json, with graphs that are none."""
    names = {role: f"{role}.onnx" for role in ("detection", "recognition", "direction")}
    config = {"architectures": ["RapidOCR"], **names}
    (tmp_path / "config.json").write_text(json.dumps(config))
    for name in names.values():
        (tmp_path / name).write_bytes(b"no graph")
    return tmp_path


def read(kind: Kind, image: Pixels.Image) -> Lines:
    (answer,) = kind.run([Image(as_png(image))])
    assert isinstance(answer, Lines), answer
    return answer


def test_lines_are_read_where_they_stand(kind: Kind) -> None:
    lines = read(kind, page()).lines
    assert [one.text for one in lines] == list(LINES)
    assert all(ocr.LEAST_SCORE <= one.score <= 1 for one in lines)
    for line, top in zip(lines, TOPS, strict=True):
        across, down = [x for x, _ in line.corners], [y for _, y in line.corners]
        assert len(line.corners) == 4
        assert min(across) == pytest.approx(40, abs=12)
        assert top - 12 <= min(down) < max(down) <= top + 60


def test_a_line_on_its_head_is_turned(kind: Kind) -> None:
    texts = {one.text for one in read(kind, page().rotate(180)).lines}
    assert texts & set(LINES)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (200, 150), (1500, 40), (40, 1500)])
def test_a_picture_without_text_has_no_lines(kind: Kind, size: tuple[int, int]) -> None:
    assert read(kind, Pixels.new("RGB", size, "white")).lines == []


def test_each_of_several_pictures_has_an_answer_of_its_own(kind: Kind) -> None:
    items = [Image(as_png(page())), Image(b"none"), Image(as_png(Pixels.new("RGB", (64, 48))))]
    first, second, third = kind.run(items)
    assert isinstance(first, Lines)
    assert isinstance(second, Refusal)
    assert third == Lines([])


def test_a_text_is_refused(kind: Kind) -> None:
    refusal = kind.refusal(text([1, 2]))
    assert refusal is not None
    assert refusal.code == "wrong_task"


def test_without_the_extra_the_runner_says_what_to_install(
    described: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(LoadError, match=r"pip install --requirement requirements-ocr\.txt"):
        ocr.load(loading(described, OCR))


def test_graphs_that_are_damaged_are_refused(described: Path) -> None:
    package_folder()
    with pytest.raises(LoadError, match="cannot read this model's ONNX files"):
        ocr.load(loading(described, OCR))


def test_a_directory_that_lacks_a_graph_is_refused(described: Path) -> None:
    check_directory(described, with_tokenizer=False)
    (described / "direction.onnx").write_bytes(b"")
    with pytest.raises(BrokenCheckpoint, match=r"direction\.onnx, .* is missing or empty"):
        check_directory(described, with_tokenizer=False)


def test_a_graph_outside_the_directory_is_refused(described: Path) -> None:
    config = json.loads((described / "config.json").read_text())
    (described / "config.json").write_text(json.dumps({**config, "detection": "../a.onnx"}))
    with pytest.raises(BrokenCheckpoint, match="names 2 ONNX files"):
        check_directory(described, with_tokenizer=False)


def test_it_does_nothing_else(described: Path) -> None:
    with pytest.raises(WrongTask, match="register it with the task ocr"):
        check_task(described, "image-classification")
