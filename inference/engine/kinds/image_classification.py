"""Image classification: what a picture shows, the likeliest first."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from PIL import Image as Pixels
from torch import Tensor
from transformers import AutoImageProcessor, AutoModelForImageClassification

from inference.engine.images.decoding import decode
from inference.engine.images.facts import ImageError
from inference.engine.kinds.kind import Answer, Loading
from inference.engine.kinds.reading import read_model
from inference.engine.model_directory import LoadError
from inference.engine.submission import Refusal, wrong_task
from inference.engine.task import IMAGE_CLASSIFICATION
from inference.engine.wire import Image, Item, Label, Labels

# Convolutions keep the cores busy with few pictures already; more of them only leave the caches.
BEST_BATCH: Final = 8  # pictures
MAX_LABELS: Final = 100  # of one picture, the likeliest
_NOT_A_NUMBER: Final = Refusal("bad_output", "the model's output was not a number")


class ImageClassification:
    """A classifier and the preprocessing that its checkpoint asks for."""

    best_batch = BEST_BATCH

    def __init__(self, model: Any, processor: Any) -> None:
        # The layout that processors' convolution kernels want; the numbers are the same.
        self._model = model.to(memory_format=torch.channels_last)
        self._processor = processor
        self._names = _names(model.config)
        # One picture may be several things where the classes were trained apart.
        self._apart = model.config.problem_type == "multi_label_classification"

    def refusal(self, item: Item) -> Refusal | None:
        return None if isinstance(item, Image) else wrong_task(IMAGE_CLASSIFICATION)

    def size(self, item: Item) -> int:
        return 1

    def run(self, items: Sequence[Item]) -> list[Answer]:
        read = [self._read(item) for item in items]
        inputs = [one for one in read if isinstance(one, Tensor)]
        found = iter(self._classified(torch.stack(inputs)) if inputs else [])
        return [one if isinstance(one, Refusal) else next(found) for one in read]

    def _read(self, item: Item) -> Tensor | Refusal:
        """Return a picture's pixels as the model takes them; large ones are held one at a time."""
        assert isinstance(item, Image)
        try:
            return self.prepared(decode(item.content))
        except ImageError as error:
            return Refusal(error.code, error.detail)

    def prepared(self, image: Pixels.Image) -> Tensor:
        """Return what the checkpoint's preprocessor makes of an RGB image, [channels, h, w]."""
        pixels: Tensor = self._processor(images=[image], return_tensors="pt")["pixel_values"]
        return pixels[0].to(self._model.dtype)

    def _classified(self, pixels: Tensor) -> list[Answer]:
        logits = self._model(pixels.contiguous(memory_format=torch.channels_last)).logits.float()
        scores = logits.sigmoid() if self._apart else logits.softmax(dim=1)
        top = scores.topk(min(MAX_LABELS, scores.shape[1]), dim=1)
        sound = scores.isfinite().all(dim=1).tolist()
        rows = zip(sound, top.indices.tolist(), top.values.tolist(), strict=True)
        return [self._labels(one, two) if ok else _NOT_A_NUMBER for ok, one, two in rows]

    def _labels(self, indices: list[int], scores: list[float]) -> Labels:
        found = zip(indices, scores, strict=True)
        return Labels([Label(self._names[number], score) for number, score in found])


def load(loading: Loading) -> ImageClassification:
    """Return the classifier in the directory, having tried it on one picture."""
    try:
        # Pillow's: the other back-end needs torchvision.
        processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            loading.directory.path, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        loading.log.event("read_failed", error=repr(error))
        raise LoadError("transformers cannot read this model's preprocessor_config.json") from error
    kind = ImageClassification(read_model(AutoModelForImageClassification, loading), processor)
    _try(kind, loading)
    loading.statistics.tier = "B"
    loading.statistics.detail = f"{loading.config.dtype}, transformers in channels-last layout"
    return kind


def _try(kind: ImageClassification, loading: Loading) -> None:
    """Raise LoadError where model and preprocessor do not fit each other."""
    try:
        (answer,) = kind._classified(kind.prepared(Pixels.new("RGB", (64, 48)))[None])
    except (ValueError, RuntimeError, TypeError, IndexError, KeyError) as error:
        loading.log.event("try_failed", error=repr(error))
        raise LoadError("model and preprocessor_config.json do not fit each other") from error
    if isinstance(answer, Refusal):
        raise LoadError("the model's output is not a number; its weights are damaged")


def _names(config: Any) -> list[str]:
    known = {int(number): str(name) for number, name in config.id2label.items()}
    return [known.get(number, f"class {number}") for number in range(config.num_labels)]
