"""Tiny random models that read pictures, of real classes, with a real tokenizer and preprocessor.

Run as `python -m tests.kinds.tiny_vision FOLDER`, it writes one of each family.
"""

import sys
from pathlib import Path
from typing import Any, Final

import torch
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    CLIPImageProcessorPil,
    Idefics3ImageProcessorPil,
)

from tests.engine import tiny_models

SPECIAL: Final = [
    *("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"),
    *("<|im_start|>", "<|pad|>"),
]
IMAGE: Final = tiny_models.VOCABULARY  # the first of them
END: Final = tiny_models.VOCABULARY + SPECIAL.index("<end_of_utterance>")
VOCABULARY: Final = tiny_models.VOCABULARY + len(SPECIAL)
SIDE: Final = 56  # pixels
_TEXT: Final = {
    **{name: tiny_models._BASE[name] for name in ("hidden_size", "intermediate_size", "head_dim")},
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "vocab_size": VOCABULARY,
    "model_type": "llama",
    "bos_token_id": None,
    "eos_token_id": END,
    "pad_token_id": 0,
}
_EYES: Final = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": SIDE,
    "patch_size": 14,
    "initializer_range": 0.2,
}
# Like those of the models themselves: contents are lists of parts.
_TEMPLATE: Final = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
FAMILIES: Final[dict[str, dict[str, Any]]] = {
    "idefics3": {"vision_config": _EYES, "scale_factor": 2, "image_token_id": IMAGE},
    "smolvlm": {"vision_config": _EYES, "scale_factor": 2, "image_token_id": IMAGE},
    "llava": {
        "vision_config": {**_EYES, "model_type": "clip_vision_model", "projection_dim": 32},
        "image_token_index": IMAGE,
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
    },
}


def build(family: str) -> Any:
    """Return a random float32 model of `family`, the same one every time."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        family, text_config=_TEXT, tie_word_embeddings=False, **FAMILIES[family]
    )
    auto: Any = AutoModelForImageTextToText
    model = auto.from_config(config, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = END
    return model


def image_processor(family: str) -> Any:
    """Return the preprocessor that goes with it."""
    if family == "llava":
        size = {"height": SIDE, "width": SIDE}
        clip: Any = CLIPImageProcessorPil
        return clip(size={"shortest_edge": SIDE}, crop_size=size)
    idefics3: Any = Idefics3ImageProcessorPil
    return idefics3(size={"longest_edge": 4 * SIDE}, max_image_size={"longest_edge": SIDE})


def tokenizer() -> Any:
    """Return a tokenizer of letters and of what the families write round a picture."""
    made = tiny_models.tokenizer()
    made.add_special_tokens({"additional_special_tokens": SPECIAL})
    made.eos_token = "<end_of_utterance>"
    made.chat_template = _TEMPLATE
    return made


def save(family: str, directory: Path) -> Path:
    """Write a model directory as its authors would."""
    build(family).save_pretrained(directory)
    tokenizer().save_pretrained(directory)
    image_processor(family).save_pretrained(directory)
    return directory


if __name__ == "__main__":
    for name in FAMILIES:
        save(name, Path(sys.argv[1]) / name)
