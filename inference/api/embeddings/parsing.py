"""From the body of a request for embeddings to what the gateway takes."""

from typing import Any, Final

from accounts.principal import Principal
from inference.api.embeddings.serializers import EmbeddingsSerializer
from inference.gateway.spec import EmbeddingsSpec
from inference.gateway.text_items import embeddings_spec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
BODY: Final = EmbeddingsSerializer()


async def embeddings_asked(
    principal: Principal, data: Any, taken: EmbeddingsSerializer = BODY
) -> EmbeddingsSpec:
    """Return what a body asks for, of which `taken` says what it may be.

    Raises ApiError, and ValidationError of DRF.
    """
    body = taken.run_validation(data)
    return await embeddings_spec(
        principal,
        model=body.get("model"),
        inputs=body["input"],
        asked=data["input"],
        dimensions=body.get("dimensions"),
        truncate=body["truncate"],
        encoding=body["encoding_format"],
    )
