"""What a model's own files say of pictures in its prompts. Without torch, for the gateway as well.

Every picture takes the same number of tokens, so that a prompt can be counted before any picture
is unpacked: Idefics3 and SmolVLM look at a picture as one tile and not as up to seventeen.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from inference.engine.checkpoint import BrokenCheckpoint

MAX_FEATURES: Final = 1 << 16  # of one picture
# Of these vision towers the first place is of the whole picture, and of no part of it.
_WITH_CLASS: Final = frozenset({"clip_vision_model"})


class VisionFiles(msgspec.Struct, frozen=True):
    """How a picture stands in a prompt: `before`, `features` times its token, `after`."""

    family: str
    token_id: int  # of what stands for a part of a picture
    features: int
    before: str = ""
    after: str = ""

    def expanded(self, token: str) -> str:
        """Return what stands for one picture in a prompt's text."""
        return f"{self.before}{token * self.features}{self.after}"

    @classmethod
    def of(cls, config: dict[str, Any]) -> "VisionFiles | None":
        """Return what a config.json says; None of a model that reads no pictures here.

        Raises BrokenCheckpoint.
        """
        family = str(config.get("model_type"))
        if not isinstance(config.get("vision_config"), dict) or family not in _FAMILIES:
            return None
        found = _FAMILIES[family](family, config)
        if not 1 <= found.features <= MAX_FEATURES:
            raise BrokenCheckpoint(f"config.json gives a picture {found.features} tokens")
        return found


def _idefics3(family: str, config: dict[str, Any]) -> VisionFiles:
    side = _patches(config)
    scale = _number(config, "scale_factor")
    fake = "<fake_token_around_image>"
    return VisionFiles(
        family=family,
        token_id=_number(config, "image_token_id"),
        features=side * side // scale**2,
        before=f"{fake}<global-img>",
        after=fake,
    )


def _llava(family: str, config: dict[str, Any]) -> VisionFiles:
    side = _patches(config)
    whole = config["vision_config"].get("model_type") in _WITH_CLASS
    dropped = config.get("vision_feature_select_strategy", "default") == "default"
    named = "image_token_id" if "image_token_id" in config else "image_token_index"
    features = side * side + whole - dropped
    return VisionFiles(family=family, token_id=_number(config, named), features=features)


def _patches(config: dict[str, Any]) -> int:
    """Return how many patches a picture has in each direction."""
    vision = config["vision_config"]
    return _number(vision, "image_size") // _number(vision, "patch_size")


def _number(config: dict[str, Any], name: str) -> int:
    value = config.get(name)
    if type(value) is not int or value < 1:
        raise BrokenCheckpoint(f"config.json does not say {name}, which its pictures need")
    return value


_FAMILIES: Final[dict[str, Callable[[str, dict[str, Any]], VisionFiles]]] = {
    "idefics3": _idefics3,
    "llava": _llava,
    "smolvlm": _idefics3,
}
