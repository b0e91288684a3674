"""Which models read pictures, and how many tokens a picture takes, as their files say."""

import json
from pathlib import Path
from typing import Any

import pytest

from inference.engine.checkpoint import BrokenCheckpoint
from inference.engine.text.chat_template import TemplateError
from inference.engine.text.tokenizer import Tokenizer, TokenizerError
from inference.engine.vision.files import VisionFiles
from tests.kinds import tiny_vision

_CLIP = {"model_type": "clip_vision_model", "image_size": 336, "patch_size": 14}
_SIGLIP = {"model_type": "siglip_vision_model", "image_size": 384, "patch_size": 14}
_SMOL = {"model_type": "smolvlm_vision", "image_size": 512, "patch_size": 16}


@pytest.mark.parametrize(
    ("config", "features"),
    [
        ({"model_type": "llava", "image_token_index": 32000, "vision_config": _CLIP}, 576),
        (
            {
                "model_type": "llava",
                "image_token_index": 7,
                "vision_config": _SIGLIP,
                "vision_feature_select_strategy": "full",
            },
            729,
        ),
        (
            {
                "model_type": "smolvlm",
                "image_token_id": 49190,
                "scale_factor": 4,
                "vision_config": _SMOL,
            },
            64,
        ),
    ],
)
def test_a_picture_takes_as_many_tokens_as_it_has_parts(
    config: dict[str, Any], features: int
) -> None:
    found = VisionFiles.of(config)
    assert found is not None
    assert found.features == features


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "llava", "image_token_index": 7, "vision_config": {}},
        {"model_type": "llava", "vision_config": _CLIP},
        {"model_type": "smolvlm", "image_token_id": 1, "vision_config": _SMOL},
        {"model_type": "llava", "image_token_index": True, "vision_config": _CLIP},
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(config: dict[str, Any]) -> None:
    with pytest.raises(BrokenCheckpoint) as refused:
        VisionFiles.of(config)
    assert "does not say" in str(refused.value)


def test_a_text_model_reads_none_and_one_of_another_family_texts_alone() -> None:
    assert VisionFiles.of({"model_type": "llama"}) is None
    assert VisionFiles.of({"model_type": "gemma3", "vision_config": _SIGLIP}) is None


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("smolvlm")
    tiny_vision.tokenizer().save_pretrained(made)
    config = {"model_type": "smolvlm", "image_token_id": tiny_vision.IMAGE, "scale_factor": 2}
    vision = {"image_size": 56, "patch_size": 14}
    (made / "config.json").write_text(json.dumps({**config, "vision_config": vision}))
    return made


def test_a_text_that_names_the_pictures_token_is_refused(directory: Path) -> None:
    tokenizer = Tokenizer.load(directory)
    with pytest.raises(TemplateError, match="<image>"):
        tokenizer.encode_chat([{"role": "user", "content": "look at <image> now"}])
    plain = tokenizer.encode_chat([{"role": "user", "content": "look at it now"}])
    assert tiny_vision.IMAGE not in plain


def test_a_template_that_a_processor_wrote_is_found(directory: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "config.json"):
        (tmp_path / name).write_bytes((directory / name).read_bytes())
    template = (directory / "chat_template.jinja").read_text()
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    message: list[dict[str, object]] = [{"role": "user", "content": "hello"}]
    expected = Tokenizer.load(directory).encode_chat(message)
    assert Tokenizer.load(tmp_path).encode_chat(message) == expected


def test_a_tokenizer_without_the_pictures_token_is_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((directory / "tokenizer.json").read_bytes())
    config = json.loads((directory / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "image_token_id": 60_000}))
    with pytest.raises(TokenizerError, match="stands for a picture"):
        Tokenizer.load(tmp_path)
