"""Version 1 of what is said on `/ws/generate`: JSON objects whose `type` names the message.

docs/websocket.md says the same to those who write clients.
"""

import re
from typing import Annotated, Any, Final, TypeVar

import msgspec

from aiplatform.errors import MAX_DETAIL, ApiError
from aiplatform.json_media import encode

VERSION: Final = 1
SUBPROTOCOL: Final = "aiplatform.v1"
MAX_ID: Final = 64  # characters of a client's own id of a generation

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class ClientMessage(
    msgspec.Struct, frozen=True, tag_field="type", tag=str.lower, forbid_unknown_fields=True
):
    """Base of what a client says."""


class Authenticate(ClientMessage, frozen=True):
    """Who is calling; again, before a token expires."""

    token: str  # an API key or an access token


class Generate(ClientMessage, frozen=True):
    """Begin a generation: a chat where there are `messages`, a completion of `prompt` otherwise."""

    id: Id
    model: str | None = None
    messages: Any = None
    prompt: Any = None
    parameters: dict[str, Any] = {}
    resumable: bool = False


class Cancel(ClientMessage, frozen=True):
    """Stop a generation of this socket."""

    id: Id


class Resume(ClientMessage, frozen=True):
    """Go on with a resumable generation that began on another socket.

    `seq` is the last one that arrived; what comes after it is sent under the id given here.
    """

    id: Id
    request_id: Annotated[str, msgspec.Meta(max_length=MAX_ID)]
    seq: _Count


class Ping(ClientMessage, frozen=True):
    """Ask for a `pong`."""

    nonce: Annotated[str, msgspec.Meta(max_length=MAX_ID)] = ""


FromClient = Authenticate | Generate | Cancel | Resume | Ping


class ServerMessage(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """Base of what the platform says."""


class Authenticated(ServerMessage, frozen=True):
    """The socket may be used. `expires_at`: when a token has to be replaced, in Unix seconds."""

    user: str
    key: str | None
    expires_at: int | None
    max_generations: int  # at once on this socket
    max_message_bytes: int
    version: int = VERSION


class Accepted(ServerMessage, frozen=True):
    """A replica has the generation. `resume_s`: how long it waits for a client that dropped."""

    id: str
    request_id: str
    model: str
    prompt_tokens: int
    resume_s: int | None


class Queued(ServerMessage, frozen=True):
    """`position` others are before it; it is expected to begin in `estimated_s` seconds."""

    id: str
    position: int
    estimated_s: float


class Delta(ServerMessage, frozen=True, omit_defaults=True):
    """New text of one choice. `seq` counts a generation's messages from 1, without a gap."""

    id: str
    seq: int
    text: str
    choice: int = 0
    logprobs: list[dict[str, Any]] | None = None


class Usage(msgspec.Struct, frozen=True):
    """Tokens read and made."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int


class Timings(msgspec.Struct, frozen=True):
    """Where the time went, in ms. None: it did not come to that."""

    queue_ms: float | None
    ttft_ms: float | None
    duration_ms: float
    overhead_ms: float | None


class Finished(ServerMessage, frozen=True):
    """The end of a generation that was answered, or cancelled by its client."""

    id: str
    seq: int
    request_id: str
    finish_reason: str  # stop, length or cancelled
    finish_reasons: list[str]  # of each choice
    usage: Usage
    timings: Timings


class Error(ServerMessage, frozen=True):
    """What went wrong. With an `id` it ends that generation, without it nothing but a message."""

    id: str | None
    code: str
    detail: str
    status: int  # as HTTP would say it
    param: str | None = None
    retry_after: float | None = None
    limit: dict[str, Any] | None = None
    request_id: str | None = None
    seq: int | None = None  # of a generation that has begun


Numbered = Delta | Finished | Error  # what is sent just once, in order


class Pong(ServerMessage, frozen=True):
    """The answer to `ping`."""

    nonce: str


M = TypeVar("M")
_decoder: Final[msgspec.json.Decoder[FromClient]] = msgspec.json.Decoder(FromClient)
_encoder: Final = msgspec.json.Encoder()
_keeping: Final = msgspec.msgpack.Encoder()
_kept_decoder: Final[msgspec.msgpack.Decoder[Numbered]] = msgspec.msgpack.Decoder(Numbered)
_MALFORMED: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
_TYPES: Final = sorted(kind.__name__.lower() for kind in FromClient.__args__)
_PLACE: Final = re.compile(r" - at `(?:key in )?\$\.?(?P<place>[^`]*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>.*)`", re.DOTALL)


class BadMessage(Exception):
    """What a client sent is no message. `id` is the one it named, if it named one."""

    def __init__(self, error: ApiError, named: str | None) -> None:
        super().__init__(error.detail)
        self.error = error
        self.id = named


def decode(text: str) -> FromClient:
    """Return the message. Raises BadMessage that names the field."""
    return decode_as(_decoder, _TYPES, text)


def decode_as(decoder: msgspec.json.Decoder[M], types: list[str], text: str) -> M:
    """The same of another socket, whose messages are of these types."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as invalid:
        raise _bad(_decoded(text), types, str(invalid)) from invalid
    except _MALFORMED as malformed:
        raise _not_json() from malformed


def encoded(message: ServerMessage) -> str:
    """Return the text of a message."""
    return _encoder.encode(message).decode()


def kept_form(message: Numbered) -> bytes:
    """Return a message as it is kept for who resumes the generation."""
    return _keeping.encode(message)


def from_kept(kept: bytes, named: str) -> Numbered:
    """Return the message again, under the id that the generation has by now."""
    return msgspec.structs.replace(_kept_decoder.decode(kept), id=named)


def error_message(error: ApiError, named: str | None = None, **further: Any) -> Error:
    """Return the message that tells of a failure."""
    return Error(
        id=named,
        code=error.code,
        detail=error.detail,
        status=error.status,
        param=error.param,
        retry_after=error.retry_after,
        limit=None if error.reason is None else msgspec.json.decode(encode(error.reason)),
        **further,
    )


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except _MALFORMED as malformed:
        raise _not_json() from malformed


def _not_json() -> BadMessage:
    detail = "A message is one JSON object, in UTF-8 and not nested deeply."
    return BadMessage(ApiError(400, "invalid_json", detail), None)


def _bad(sent: Any, types: list[str], reason: str) -> BadMessage:
    """`reason` is msgspec's, which speaks of types, bounds and names, and of nothing else."""
    members = sent if isinstance(sent, dict) else {}
    named = members.get("id")
    known = named if isinstance(named, str) and 0 < len(named) <= MAX_ID else None
    return BadMessage(_refusal(members, types, reason), known)


def _refusal(members: dict[str, Any], types: list[str], reason: str) -> ApiError:
    if members.get("type") not in types:
        detail = f"type: Must be one of {', '.join(types)}."
        return ApiError(400, "unknown_type", detail, param="type")
    if unknown := _UNKNOWN.search(reason):
        name = unknown["name"][:100]
        detail = f"{name}: There is no such field."
        return ApiError(400, "unknown_parameter", detail, param=name)
    place = _PLACE.search(reason)
    param = place["place"] or None if place else None
    said = _PLACE.sub("", reason).replace("Object missing", "Missing")
    detail = (f"{param}: {said}." if param else f"{said}.")[:MAX_DETAIL]
    return ApiError(400, "invalid_request", detail, param=param)
