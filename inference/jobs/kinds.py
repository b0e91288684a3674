"""What a job may ask for: each kind stands for a door, whose words it is asked and answered in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from accounts.principal import Principal
from inference.api.answer import Form
from inference.api.embeddings.forms import NativeEmbeddingsForm, OpenAIEmbeddingsForm
from inference.api.embeddings.parsing import embeddings_asked
from inference.api.native.images.form import ImageForm
from inference.api.native.images.parsing import picture_asked, picture_kept
from inference.api.native.serializers import GenerateTextSerializer
from inference.api.native.text import text_spec
from inference.api.native.text_form import TextForm
from inference.api.openai.form import ChatForm, CompletionForm
from inference.api.openai.serializers import ChatCompletionSerializer, CompletionSerializer
from inference.api.openai.specs import chat_spec, completion_spec
from inference.gateway.picturing import CaptionSpec, PictureSpec
from inference.gateway.spec import EmbeddingsSpec, GenerationSpec, Spec

GENERATE_TEXT: Final = "generate/text"
NATIVE_EMBEDDINGS: Final = "native/embeddings"
UPLOAD_IMAGE: Final = "upload/image"
CHAT: Final = "chat/completions"
COMPLETION: Final = "completions"
EMBEDDINGS: Final = "embeddings"
_TEXT: Final = GenerateTextSerializer()
_CHAT: Final = ChatCompletionSerializer()
_COMPLETION: Final = CompletionSerializer()

S = TypeVar("S", bound=Spec)


class Asked(NamedTuple):
    """What a job asks: a body in its door's words, and the file that came beside it."""

    body: dict[str, Any]
    content: bytes = b""


class Kind(NamedTuple, Generic[S]):
    """How what is asked becomes a request, and what is answered a result.

    `door` is the one that takes it as a job of its own, in history and metrics; a kind without one
    comes in batches alone.
    """

    parse: Callable[[Principal, Asked], Awaitable[S]]
    form: Form[S]
    door: str = ""


async def _parse_text(principal: Principal, asked: Asked) -> GenerationSpec:
    return await text_spec(principal, _TEXT.run_validation(asked.body))


async def _parse_chat(principal: Principal, asked: Asked) -> GenerationSpec:
    return await chat_spec(principal, _CHAT.run_validation(asked.body))


async def _parse_completion(principal: Principal, asked: Asked) -> GenerationSpec:
    return await completion_spec(principal, _COMPLETION.run_validation(asked.body))


async def _parse_embeddings(principal: Principal, asked: Asked) -> EmbeddingsSpec:
    return await embeddings_asked(principal, asked.body)


async def _parse_image(principal: Principal, asked: Asked) -> PictureSpec | CaptionSpec:
    return await picture_asked(
        principal, *await asyncio.to_thread(picture_kept, asked.body, asked.content)
    )


KINDS: Final[dict[str, Kind[Any]]] = {
    GENERATE_TEXT: Kind(_parse_text, TextForm(), "generate/async"),
    NATIVE_EMBEDDINGS: Kind(_parse_embeddings, NativeEmbeddingsForm(), "embeddings/async"),
    UPLOAD_IMAGE: Kind(_parse_image, ImageForm(), "upload/image/async"),
    CHAT: Kind(_parse_chat, ChatForm()),
    COMPLETION: Kind(_parse_completion, CompletionForm()),
    EMBEDDINGS: Kind(_parse_embeddings, OpenAIEmbeddingsForm()),
}
