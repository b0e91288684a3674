"""What a job may ask for: each kind stands for a door, whose words it is asked and answered in."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from accounts.principal import Principal
from inference.api.answer import Form
from inference.api.embeddings.forms import OpenAIEmbeddingsForm
from inference.api.embeddings.parsing import embeddings_asked
from inference.api.native.serializers import GenerateTextSerializer
from inference.api.native.text import text_spec
from inference.api.native.text_form import TextForm
from inference.api.openai.form import ChatForm, CompletionForm
from inference.api.openai.serializers import ChatCompletionSerializer, CompletionSerializer
from inference.api.openai.specs import chat_spec, completion_spec
from inference.gateway.spec import GenerationSpec, Spec

GENERATE_TEXT: Final = "generate/text"
CHAT: Final = "chat/completions"
COMPLETION: Final = "completions"
EMBEDDINGS: Final = "embeddings"
_TEXT: Final = GenerateTextSerializer()
_CHAT: Final = ChatCompletionSerializer()
_COMPLETION: Final = CompletionSerializer()

S = TypeVar("S", bound=Spec)
Parse = Callable[[Principal, dict[str, Any]], Awaitable[S]]


class Kind(NamedTuple, Generic[S]):
    """How a body becomes a request, and what is answered a result."""

    parse: Parse[S]
    form: Form[S]


async def _parse_text(principal: Principal, body: dict[str, Any]) -> GenerationSpec:
    return await text_spec(principal, _TEXT.run_validation(body))


async def _parse_chat(principal: Principal, body: dict[str, Any]) -> GenerationSpec:
    return await chat_spec(principal, _CHAT.run_validation(body))


async def _parse_completion(principal: Principal, body: dict[str, Any]) -> GenerationSpec:
    return await completion_spec(principal, _COMPLETION.run_validation(body))


KINDS: Final[dict[str, Kind[Any]]] = {
    GENERATE_TEXT: Kind(_parse_text, TextForm()),
    CHAT: Kind(_parse_chat, ChatForm()),
    COMPLETION: Kind(_parse_completion, CompletionForm()),
    EMBEDDINGS: Kind(embeddings_asked, OpenAIEmbeddingsForm()),
}
