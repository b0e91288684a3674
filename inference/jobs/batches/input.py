"""The file that a batch is made of: one JSON object a line, read one line at a time."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from django.conf import settings

from inference.jobs.models.job import MAX_CUSTOM_ID

MAX_ERRORS: Final = 50  # after so many, the rest of the file is not read
MAX_MODEL_NAME: Final = 100
_MALFORMED: Final = (msgspec.DecodeError, UnicodeError, RecursionError)


class Line(NamedTuple):
    """A line that can be tried, and where it stands."""

    number: int  # from 1, blank lines counted
    offset: int  # bytes
    length: int  # bytes
    custom_id: str
    model_name: str  # empty: the default one


class LineError(NamedTuple):
    """What is wrong with a line, or with the file where there is no number."""

    code: str
    message: str
    number: int | None = None
    param: str | None = None

    def form(self) -> dict[str, Any]:
        """Return it as OpenAI's `batch.errors` holds it."""
        return {
            "code": self.code,
            "line": self.number,
            "message": self.message,
            "param": self.param,
        }


class _Request(msgspec.Struct):
    custom_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CUSTOM_ID)]
    method: str
    url: str
    body: dict[str, Any]


class _Body(msgspec.Struct):
    body: msgspec.Raw


_requests: Final = msgspec.json.Decoder(_Request)
_bodies: Final = msgspec.json.Decoder(_Body)


def file_lines(path: Path, endpoint: str) -> Iterator[Line | LineError]:
    """Yield each line of the file, or what is wrong with it. Raises OSError.

    Memory stays flat but for a digest of each `custom_id`.
    """
    seen, count = set[bytes](), 0
    for number, offset, text in _texts(path):
        count += 1
        if count > settings.MAX_BATCH_LINES:
            message = f"There are over {settings.MAX_BATCH_LINES:,} lines, the most. Send several."
            yield LineError("too_many_tasks", message)
            return
        found = _line(number, offset, text, endpoint)
        if isinstance(found, Line):
            digest = hashlib.blake2b(found.custom_id.encode(), digest_size=16).digest()
            if digest in seen:
                message = "Another line before this one has the same custom_id."
                found = LineError("duplicate_custom_id", message, number, "custom_id")
            seen.add(digest)
        yield found
    if not count:
        yield LineError("empty_file", "The file has no lines.")


def body_at(path: Path, offset: int, length: int) -> bytes:
    """Return the body of the request that stands there, as JSON. Raises OSError."""
    with path.open("rb") as file:
        file.seek(offset)
        return bytes(_bodies.decode(file.read(length)).body)


def _texts(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, offset and text of every line that is not blank; a longer one is cut."""
    bound, number, offset = settings.MAX_BODY_BYTES, 0, 0
    with path.open("rb") as file:
        while text := file.readline(bound + 1):
            number += 1
            if text.strip():
                yield number, offset, text
            offset += len(text)
            while len(text) > bound and not text.endswith(b"\n"):
                text = file.readline(bound + 1)
                offset += len(text)


def _line(number: int, offset: int, text: bytes, endpoint: str) -> Line | LineError:
    if len(text) > settings.MAX_BODY_BYTES:
        message = f"The line is over {settings.MAX_BODY_BYTES} bytes, the most accepted."
        return LineError("line_too_large", message, number)
    try:
        request = _requests.decode(text)
    except msgspec.ValidationError as invalid:  # speaks of names, types and bounds alone
        return LineError("invalid_request", f"{invalid}.", number)
    except _MALFORMED:
        message = "The line is not one JSON object in UTF-8."
        return LineError("invalid_json_line", message, number)
    wrong = _fault(request, number, endpoint)
    if wrong:
        return wrong
    model = request.body.get("model")
    name = model[:MAX_MODEL_NAME] if isinstance(model, str) else ""
    return Line(number, offset, len(text), request.custom_id, name)


def _fault(request: _Request, number: int, endpoint: str) -> LineError | None:
    if request.method != "POST":
        return LineError("invalid_method", "Must be POST.", number, "method")
    if request.url != endpoint:
        message = f"Must be the batch's endpoint, {endpoint}."
        return LineError("invalid_url", message, number, "url")
    if request.body.get("stream"):
        message = "A batch cannot stream. Leave `stream` out, or send false."
        return LineError("stream_not_supported", message, number, "body.stream")
    if "\0" in request.custom_id:
        return LineError("invalid_request", "May hold no NUL.", number, "custom_id")
    return None
