"""The wire between gateway and runner: length-prefixed msgpack frames of typed messages.

A frame is a 4-byte big-endian length followed by one msgpack map whose `type` names the message.
The first frame in each direction is `Hello`; a peer that speaks another version is refused there
rather than misunderstood later.
"""

import asyncio
import struct
from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

VERSION: Final = 3
# A prompt of a million token ids packs into about 5 MB; nothing legitimate is larger than this.
MAX_FRAME_BYTES: Final = 16 * 1024 * 1024

_LENGTH: Final = struct.Struct(">I")


class WireError(Exception):
    """The peer broke the protocol; the connection cannot be used any further."""


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """Base of everything that travels in a frame."""


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the next token is chosen. `temperature` 0 is greedy; `top_k` 0 means no bound.

    `repetition_penalty` is over prompt and completion, `presence_penalty` and `frequency_penalty`
    over the completion alone. `logprobs` None asks for none, a number for each token's own and so
    many of the likeliest.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: dict[int, float] = {}  # token id → what is added to its logit
    logprobs: int | None = None
    seed: int | None = None


class Hello(Message, frozen=True):
    """First frame of either side. The runner fills in what it serves."""

    version: int = VERSION
    model: str = ""
    context_length: int = 0  # tokens
    slots: int = 0


class Submit(Message, frozen=True):
    """Generate from `prompt` (token ids) at most `max_tokens` new tokens.

    Of pictures, `images` are the files as they came; the prompt has the model's own token as often
    as a picture has parts, in their order.
    """

    request_id: str
    prompt: list[int]
    max_tokens: int
    sampling: Sampling = Sampling()
    stop: list[str] = []
    stop_token_ids: list[int] = []  # end it as an end of text does, and are not shown either
    min_tokens: int = 0  # until then nothing ends it but max_tokens
    tenant: str = ""  # who shares fairly with whom; the user's id
    ignore_eos: bool = False
    priority: int = 0  # 0 interactive, 1 jobs, 2 batch
    weight: float = 1.0  # the tenant's share, as a multiple of what others get
    deadline_s: float | None = None  # seconds from now; then Failed("deadline_passed")
    images: list[bytes] = []


class Tokens(msgspec.Struct, frozen=True, tag="tokens"):
    """A text as its token ids, 32-bit little-endian each; of a pair, which text each is of."""

    ids: bytes
    segments: bytes = b""  # one byte a token, 0 or 1; empty: it is no pair
    dimensions: int = 0  # of its vector, the first so many; 0: all


class Image(msgspec.Struct, frozen=True, tag="image"):
    """A picture as the file it came in, which the door found to be one."""

    content: bytes


Item = Tokens | Image


class Infer(Message, frozen=True):
    """Answer each of `items`, once. The fields it shares with `Submit` mean what they do there."""

    request_id: str
    items: list[Item]
    tenant: str = ""
    priority: int = 0
    weight: float = 1.0
    deadline_s: float | None = None


class Cancel(Message, frozen=True):
    """Stop `request_id` within a step. Answered by its `Finished`, with what was made so far."""

    request_id: str


class Ping(Message, frozen=True):
    """Ask for a `Status`."""


class Accepted(Message, frozen=True):
    """`request_id` is in the queue, and `position` others are before it as things stand.

    `estimated_s` is in how many seconds its prompt will be begun, from moving averages.
    """

    request_id: str
    position: int
    estimated_s: float = 0.0


class TokenLogprob(msgspec.Struct, frozen=True, array_like=True):
    """One token of a completion, as the bytes of its text: half a character can be a token."""

    token: bytes
    logprob: float  # natural logarithm, of the model's own distribution at temperature 1
    top: list[tuple[bytes, float]] = []  # the likeliest tokens in falling order


class Delta(msgspec.Struct, frozen=True, array_like=True):
    """New text of one request. `tokens` new tokens were made; `text` may be empty while a
    character is incomplete or a stop string may be beginning. `logprobs`, where asked for, are
    those of the tokens whose text this completes."""

    request_id: str
    text: str
    tokens: int
    logprobs: list[TokenLogprob] = []


class Deltas(Message, frozen=True):
    """What one engine step made, for every request of this connection."""

    items: list[Delta]


class Vector(msgspec.Struct, frozen=True, tag="vector"):
    """An embedding, 32-bit little-endian floats."""

    values: bytes


class Label(msgspec.Struct, frozen=True, array_like=True):
    """A class and how sure the model is of it, 0 to 1."""

    name: str
    score: float


class Labels(msgspec.Struct, frozen=True, tag="labels"):
    """What a classifier says of one item, the likeliest first."""

    labels: list[Label]


class Line(msgspec.Struct, frozen=True, array_like=True):
    """A line of text in a picture, and how sure the model is of it, 0 to 1."""

    text: str
    score: float
    corners: list[tuple[int, int]]  # x and y in the picture's pixels, turned as its EXIF says


class Lines(msgspec.Struct, frozen=True, tag="lines"):
    """What stands in a picture, from the top down."""

    lines: list[Line]


Output = Vector | Labels | Lines


class Outputs(Message, frozen=True):
    """Some of what an `Infer` asked for: each answer with its item's place in the request."""

    request_id: str
    items: list[tuple[int, Output]]


class Usage(msgspec.Struct, frozen=True):
    """What one request used. Times are seconds since it was submitted to the runner.

    Of an `Infer`, `prompt_tokens` and `images` are those of the items that were answered.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    queue_s: float = 0.0  # until its prefill began
    first_token_s: float = 0.0  # until its first token was made
    total_s: float = 0.0  # until it finished
    images: int = 0


class Finished(Message, frozen=True):
    """`request_id` ended. `reason` is `stop`, `length` or `cancelled`; `text` is its last text."""

    request_id: str
    reason: str
    usage: Usage
    text: str = ""


class Failed(Message, frozen=True):
    """`request_id` could not be served. `code` is machine-readable, `detail` safe to show."""

    request_id: str
    code: str
    detail: str
    usage: Usage | None = None


class Status(Message, frozen=True):
    """How the runner is. `state` is `loading`, `ready` or `draining`.

    `steps` counts engine steps since start: it moves while anything is queued or running, so a
    hung engine shows as a queue whose `steps` stand still.
    """

    state: str
    progress: float = 0.0  # of loading, 0..1
    running: int = 0
    waiting: int = 0
    slots: int = 0
    steps: int = 0
    tokens: int = 0  # completion tokens made since start
    mean_request_s: float = 0.0  # moving average of finished requests, in service (not queued)
    tier: str = ""
    resident_bytes: int = 0
    detail: str = ""
    mean_step_s: float = 0.0  # moving average
    estimated_wait_s: float = 0.0  # of a request at the queue's end, until its prompt is begun
    prompt_tokens: int = 0  # of requests that ended since start,
    cached_tokens: int = 0  # and how many of them another request had computed already
    preempted: int = 0  # times a request gave its slot to another and waited again
    device: str = ""  # that the model is computed on: cpu, cuda:0, …


Asked = Submit | Infer
ToRunner = Hello | Submit | Infer | Cancel | Ping
FromRunner = Hello | Accepted | Deltas | Outputs | Finished | Failed | Status
T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_request_decoder: msgspec.msgpack.Decoder[ToRunner] = msgspec.msgpack.Decoder(ToRunner)
_reply_decoder: msgspec.msgpack.Decoder[FromRunner] = msgspec.msgpack.Decoder(FromRunner)


def encode(message: Message) -> bytes:
    """Return the frame of `message`. Raises WireError if it is larger than MAX_FRAME_BYTES."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise WireError(f"frame of {len(body)} bytes is over {MAX_FRAME_BYTES}")
    return _LENGTH.pack(len(body)) + body


class Replies:
    """Cuts what comes from a runner into messages, for whoever is handed bytes as they arrive."""

    def __init__(self) -> None:
        self._arrived = bytearray()

    def feed(self, data: bytes) -> Iterator[FromRunner]:
        """Yield the messages that `data` completes, in order. Raises WireError after the last."""
        self._arrived += data
        while (body := self._next_body()) is not None:
            yield _decode(_reply_decoder, body)

    def _next_body(self) -> bytes | None:
        if len(self._arrived) < _LENGTH.size:
            return None
        end = _LENGTH.size + _checked(*_LENGTH.unpack_from(self._arrived))
        if len(self._arrived) < end:
            return None
        body = bytes(memoryview(self._arrived)[_LENGTH.size : end])
        del self._arrived[:end]
        return body


async def read_request(reader: asyncio.StreamReader) -> ToRunner:
    """Read one gateway → runner message. Raises WireError, or IncompleteReadError at the end."""
    return _decode(_request_decoder, await _read_body(reader))


async def read_reply(reader: asyncio.StreamReader) -> FromRunner:
    """Read one runner → gateway message. Raises WireError, or IncompleteReadError at the end."""
    return _decode(_reply_decoder, await _read_body(reader))


async def _read_body(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(
        _checked(*_LENGTH.unpack(await reader.readexactly(_LENGTH.size)))
    )


def _checked(length: int) -> int:
    if length > MAX_FRAME_BYTES:
        raise WireError(f"frame of {length} bytes announced; {MAX_FRAME_BYTES} is the bound")
    return length


def _decode(decoder: msgspec.msgpack.Decoder[T], body: bytes) -> T:
    try:
        message: T = decoder.decode(body)
        return message
    except msgspec.MsgspecError as error:
        raise WireError("frame is not a message of this protocol") from error
