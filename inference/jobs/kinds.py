"""What a job may ask for: each kind stands for a door, whose words it is asked and answered in."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from accounts.principal import Principal
from inference.api.answer import Form
from inference.api.native.serializers import GenerateTextSerializer
from inference.api.native.text import text_spec
from inference.api.native.text_form import TextForm
from inference.gateway.spec import GenerationSpec

GENERATE_TEXT: Final = "generate/text"
_TEXT: Final = GenerateTextSerializer()

Parse = Callable[[Principal, dict[str, Any]], Awaitable[GenerationSpec]]


class Kind(NamedTuple):
    """How a body becomes a generation, and that a result."""

    parse: Parse
    form: Form


async def _parse_text(principal: Principal, body: dict[str, Any]) -> GenerationSpec:
    return await text_spec(principal, _TEXT.run_validation(body))


KINDS: Final = {GENERATE_TEXT: Kind(_parse_text, TextForm())}
