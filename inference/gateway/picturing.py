"""From an uploaded picture to what is asked about it: of a classifier, or of one that talks."""

from typing import Any

from accounts.principal import Principal
from inference.engine.task import CHAT, IMAGE_CLASSIFICATION, OCR
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.vision.prompts import PICTURE
from inference.engine.wire import Image, Sampling
from inference.gateway.picture_files import Picture
from inference.gateway.prompt_tokenizers import tokenizer_of
from inference.gateway.prompting import build_spec
from inference.gateway.served import ServedModel, served_model, served_models
from inference.gateway.spec import GenerationSpec, ItemsSpec, Stopping


class PictureSpec(ItemsSpec, frozen=True, kw_only=True):
    """One picture to classify or to read."""

    picture: Picture
    filename: str
    top_k: int


class CaptionSpec(GenerationSpec, frozen=True, kw_only=True):
    """One picture to talk about."""

    picture: Picture
    filename: str


async def looking_model(principal: Principal, name: str | None) -> ServedModel:
    """Return who is to look at a picture: the model called `name`, or the default classifier.

    Raises ApiError for a model that reads none.
    """
    named = (one for one in await served_models(principal) if one.name == name)
    model = next(named, None)
    if model and model.task == CHAT and (await tokenizer_of(model)).vision is not None:
        return model
    return await served_model(principal, name, IMAGE_CLASSIFICATION, OCR)


def picture_spec(
    served: ServedModel, picture: Picture, *, filename: str, top_k: int
) -> PictureSpec:
    """Return what to ask of a classifier, or of a model that reads."""
    return PictureSpec(
        model=served,
        asked=picture.noted(filename),
        items=[Image(picture.content)],
        picture=picture,
        filename=filename,
        top_k=top_k,
    )


async def caption_spec(
    principal: Principal,
    served: ServedModel,
    picture: Picture,
    *,
    filename: str,
    prompt: str,
    max_tokens: int,
) -> CaptionSpec:
    """Return what to ask of a model that talks about pictures. Raises ApiError.

    It is asked greedily: the same picture has the same caption.
    """
    parts: list[Any] = [PICTURE, {"type": "text", "text": prompt}]

    def encode(tokenizer: Tokenizer) -> list[int]:
        return tokenizer.encode_chat([{"role": "user", "content": parts}])

    spec = await build_spec(
        principal,
        model=served.name,
        asked={**picture.noted(filename), "prompt": prompt},
        encode=encode,
        characters=len(prompt),
        max_tokens=max_tokens,
        sampling=lambda _: Sampling(),
        stopping=Stopping(),
        stream=False,
        n=1,
        prompt_field="prompt",
        max_tokens_field="max_length",
        pictures=[picture],
    )
    fields = {name: getattr(spec, name) for name in spec.__struct_fields__}
    return CaptionSpec(**fields, picture=picture, filename=filename)
