"""OCR: the lines of text in a picture, where each stands and how sure the model is.

RapidOCR's pipeline on ONNX Runtime (https://github.com/RapidAI/RapidOCR), an optional extra: its
packages are those of requirements-ocr.txt.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy
from PIL import Image as Pixels

from inference.engine.images.decoding import decode
from inference.engine.images.facts import ImageError
from inference.engine.kinds.kind import Answer, Loading
from inference.engine.model_directory import LoadError
from inference.engine.ocr_files import ocr_graphs
from inference.engine.submission import Refusal, wrong_task
from inference.engine.task import OCR
from inference.engine.wire import Image, Item, Line, Lines

LEAST_SCORE: Final = 0.7  # below it are strings that are in no picture
MAX_LINES: Final = 1000  # of one picture
# Times as long as wide: the pipeline would blow up what is narrower until its short side is 736.
_NARROWEST: Final = 4
_MISSING: Final = (
    "OCR needs the packages of requirements-ocr.txt, which are not installed here: run"
    " `make install-ocr`, or pip install --requirement requirements-ocr.txt, and start again"
)


class Ocr:
    """A pipeline that finds lines of text and reads them."""

    best_batch = 1  # picture: each keeps all cores busy, its lines batched among themselves

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def refusal(self, item: Item) -> Refusal | None:
        return None if isinstance(item, Image) else wrong_task(OCR)

    def size(self, item: Item) -> int:
        return 1

    def run(self, items: Sequence[Item]) -> list[Answer]:
        return [self._read(item) for item in items]

    def _read(self, item: Item) -> Answer:
        assert isinstance(item, Image)
        try:
            return self.lines(decode(item.content))
        except ImageError as error:
            return Refusal(error.code, error.detail)

    def lines(self, image: Pixels.Image) -> Lines:
        """Return the lines of an RGB image from the top down, corners in its own pixels."""
        found = self._pipeline(_padded(image))
        if not found.txts:
            return Lines([])
        rows = zip(found.txts, found.scores, found.boxes, strict=True)
        return Lines([_line(*row) for row in rows][:MAX_LINES])


def _padded(image: Pixels.Image) -> Pixels.Image:
    """Return the image with white to its right or below where it is narrow; corners stay."""
    width, height = image.size
    size = max(width, height // _NARROWEST), max(height, width // _NARROWEST)
    if size == image.size:
        return image
    padded = Pixels.new("RGB", size, "white")
    padded.paste(image)
    return padded


def _line(text: str, score: float, box: "numpy.typing.NDArray[Any]") -> Line:
    # Clockwise from where the line begins.
    return Line(text, float(score), [(round(float(x)), round(float(y))) for x, y in box])


def load(loading: Loading) -> Ocr:
    """Return the pipeline in the directory, having tried it on one picture. Raises LoadError."""
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise LoadError(_MISSING) from error
    graphs = ocr_graphs(loading.directory.path, loading.directory.config)
    parameters = {
        "Global.text_score": LEAST_SCORE,
        "Global.log_level": "error",
        # With the files named it never looks for them elsewhere.
        "Det.model_path": str(graphs["detection"]),
        "Rec.model_path": str(graphs["recognition"]),
        "Cls.model_path": str(graphs["direction"]),
        "EngineConfig.onnxruntime.intra_op_num_threads": loading.config.threads or -1,
    }
    try:
        kind = Ocr(RapidOCR(params=parameters))
        kind.lines(Pixels.new("RGB", (64, 48)))
    except Exception as error:  # whatever ONNX Runtime makes of graphs that are damaged
        loading.log.event("read_failed", error=type(error).__name__)
        raise LoadError("RapidOCR cannot read this model's ONNX files") from error
    loading.statistics.tier = "B"
    loading.statistics.detail = "RapidOCR on ONNX Runtime"
    return kind
