"""JSON in and out of the API, by msgspec: strict (no NaN, no bad UTF-8) and fast."""

import datetime
import decimal
import uuid
from collections.abc import Mapping
from typing import IO, Any

import msgspec
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer


def decode(body: bytes) -> Any:
    """Return what the JSON text `body` says. Raises ParseError with the reason."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"The body is not valid JSON: {_reason(error)}") from error


def encode(data: Any) -> bytes:
    """Return `data` as JSON."""
    return msgspec.json.encode(data, enc_hook=_as_plain)


class JSONParser(BaseParser):
    """Parses `application/json`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return decode(stream.read())


class JSONRenderer(BaseRenderer):
    """Renders `application/json`."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode(data)


def _reason(error: Exception) -> str:
    # msgspec's own messages speak of the text's form only; others may quote the text itself.
    if isinstance(error, msgspec.DecodeError):
        return str(error)
    deep = isinstance(error, RecursionError)
    return "it is nested too deeply" if deep else "it is not UTF-8 text"


def _as_plain(value: Any) -> Any:
    if isinstance(value, (str, uuid.UUID, datetime.datetime, decimal.Decimal)):
        return str(value)  # lazily translated texts and ErrorDetail among them
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__str__") and type(value).__module__.startswith("django"):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")
