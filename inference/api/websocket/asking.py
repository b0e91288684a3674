"""From a `generate` message to what the gateway takes: the bodies of /v1, in another envelope."""

from typing import Any, Final

import msgspec

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api.openai.serializers import ChatCompletionSerializer, CompletionSerializer
from inference.api.openai.specs import chat_spec, completion_spec
from inference.api.websocket.protocol import Generate
from inference.gateway.spec import GenerationSpec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_CHAT_BODY: Final = ChatCompletionSerializer()
_COMPLETION_BODY: Final = CompletionSerializer()
_ENVELOPE: Final = ("model", "messages", "prompt", "stream", "stream_options")


async def spec_of(principal: Principal, asked: Generate) -> GenerationSpec:
    """Return what is asked. Raises ApiError, or a ValidationError of DRF."""
    _check(asked)
    body: dict[str, Any] = {**asked.parameters, "model": asked.model}
    if asked.messages is not None:
        chat = _CHAT_BODY.run_validation({**body, "messages": asked.messages})
        spec = await chat_spec(principal, chat)
    else:
        completion = _COMPLETION_BODY.run_validation({**body, "prompt": asked.prompt})
        spec = await completion_spec(principal, completion)
    return msgspec.structs.replace(spec, stream=True)


def _check(asked: Generate) -> None:
    for name in _ENVELOPE:
        if name in asked.parameters:
            param = f"parameters.{name}"
            detail = f"{param}: There is no such parameter here."
            raise ApiError(400, "unknown_parameter", detail, param=param)
    if (asked.messages is None) == (asked.prompt is None):
        detail = "messages: Give either `messages` or `prompt`."
        raise ApiError(400, "invalid_request", detail, param="messages")
