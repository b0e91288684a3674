"""What a client may say it accepts: anything, as everywhere under /v1."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class OneAnswer(BaseContentNegotiation):
    """There is one form of each answer; OpenAI's SDK asks for `application/binary` of a file."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser for the body's type, if there is one."""
        media = (request.content_type or "").split(";")[0].strip()
        return next((one for one in parsers if one.media_type == media), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the one renderer."""
        only = next(iter(renderers))
        return only, only.media_type
