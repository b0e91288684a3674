"""A model's eyes: from the file of a picture to what its text half reads in that place."""

from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image as Pixels
from torch import Tensor
from transformers import AutoImageProcessor, AutoModelForCausalLM

from inference.engine.images.decoding import decode
from inference.engine.model_directory import LoadError
from inference.engine.vision.files import VisionFiles

# What each family's preprocessor is told besides; see `files`.
_ASKED: Final[dict[str, dict[str, Any]]] = {
    "idefics3": {"do_image_splitting": False},
    "smolvlm": {"do_image_splitting": False},
}
_TEXT_PARTS: Final = ("text_model", "language_model")
_PIXELS: Final = ("pixel_values", "pixel_attention_mask")


class Sight:
    """The vision half of a model."""

    def __init__(self, model: Any, processor: Any, files: VisionFiles) -> None:
        self.files = files
        self._model = model
        self._processor = processor

    def look(self, content: bytes) -> Tensor:
        """Return what is seen in an image file [features, hidden]. Raises ImageError."""
        return self.see(decode(content))

    def see(self, image: Pixels.Image) -> Tensor:
        """The same of an RGB image."""
        asked = _ASKED.get(self.files.family, {})
        inputs = self._processor(images=[image], return_tensors="pt", **asked)
        device = self._model.device
        pixels = {name: inputs[name].to(device) for name in _PIXELS if name in inputs}
        pixels["pixel_values"] = pixels["pixel_values"].to(self._model.dtype)
        with torch.inference_mode():
            found = self._model.get_image_features(**pixels).pooler_output
        return torch.cat([part.reshape(-1, part.shape[-1]) for part in found])


def with_sight(model: Any, directory: Path, files: VisionFiles) -> Any:
    """Return the text half of a model as a causal model of its own, with its eyes as `sight`.

    Raises LoadError where the halves or the preprocessor do not fit each other.
    """
    try:
        processor: Any = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            directory, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise LoadError("transformers cannot read this model's preprocessor_config.json") from error
    text = _text_half(model)
    # No module: what is done to every module of the text half is not done to it.
    text.sight = Sight(model, processor, files)
    _try(text.sight, text.get_input_embeddings().embedding_dim)
    return text


def _text_half(model: Any) -> Any:
    found = (getattr(model.model, name, None) for name in _TEXT_PARTS)
    body = next((part for part in found if part is not None), None)
    if body is None or getattr(model, "lm_head", None) is None:
        raise LoadError("its parts are not those of a vision-language model we know")
    with torch.device("meta"):  # nothing is computed or kept: both its parts are replaced
        auto: Any = AutoModelForCausalLM
        text = auto.from_config(body.config)
    setattr(text, text.base_model_prefix, body)
    text.lm_head, text.config = model.lm_head, body.config
    return text.eval()


def _try(sight: Sight, hidden: int) -> None:
    try:
        seen = sight.see(Pixels.new("RGB", (64, 48), (90, 120, 200)))
    except (ValueError, RuntimeError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise LoadError("model and preprocessor_config.json do not fit each other") from error
    if tuple(seen.shape) != (sight.files.features, hidden):
        raise LoadError(
            f"its pictures come to {tuple(seen.shape)}, and config.json says "
            f"{(sight.files.features, hidden)}"
        )
