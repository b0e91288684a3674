"""What the store holds of a resumable generation, for whichever web process is asked for it.

A stream of what was said, in batches that are numbered by their last message; its first entry says
whose it is. Beside it `client` names the connection that took it up last, for as long as somebody
is there and the window after that, and `stop` is there once its owner wants no more of it.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from redis.exceptions import ResponseError

from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.store import async_store

# This process, to those that follow what it generates.
WEB: Final = secrets.token_hex(8)

_HEAD_ID: Final = "0-1"
_HEAD: Final = b"h"
_SAID: Final = b"s"
_ENDS: Final = b"e"
_AT_ONCE: Final = 64  # batches
_SLACK_S: Final = 60  # for settling, after the longest request
_WRITTEN_BEFORE: Final = "equal or smaller"


class Head(msgspec.Struct, frozen=True):
    """Whose generation it is, by which kind of door it came, and which process generates."""

    owner: str
    kind: str
    web: str
    opening: bytes  # what the door says to whoever takes it up


class Batch(NamedTuple):
    """Messages, sealed, of which `last` is the last one's number. `ends`: nothing follows."""

    last: int
    sealed: bytes
    ends: bool


class Wanted(NamedTuple):
    """What others want of a generation: the client who took it up, if any, and that it stops."""

    client: bytes | None
    stop: bool


class Standing(NamedTuple):
    """How a generation stands: who has it, and whether the process that generates it lives."""

    client: bytes | None
    web_lives: bool


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Head)


async def begin(request_id: str, kind: str, principal: Principal, opening: bytes) -> None:
    """Let the generation be found. Raises RedisError."""
    head = _encoder.encode(Head(_owner(request_id, principal), kind, WEB, opening))
    pipe = _pipeline()
    pipe.xadd(_key(request_id), {_HEAD: head}, id=_HEAD_ID)
    # Everything is gone by then, whatever becomes of this process.
    pipe.expire(_key(request_id), _life_s())
    _sign(pipe)
    await pipe.execute()


async def find(request_id: str, kind: str, principal: Principal) -> Head:
    """Return the head of the principal's own generation.

    Raises ApiError, the same for another's as for none at all, and RedisError.
    """
    found: Any = await async_store().xrange(_key(request_id), _HEAD_ID, _HEAD_ID)
    head = _decoder.decode(found[0][1][_HEAD]) if found else None
    owner = _owner(request_id, principal)
    if head is None or head.kind != kind or not constant_time_compare(head.owner, owner):
        raise NotResumable
    return head


async def write(batches: Sequence[tuple[str, Batch]]) -> None:
    """Write what was said of the generations named. Raises RedisError.

    What is there already may be written again: it is refused by its number.
    """
    pipe = _pipeline()
    for request_id, batch in batches:
        ends = {_ENDS: b""} if batch.ends else {}
        fields = {_SAID: batch.sealed, **ends}
        # Of one that is gone already nothing begins anew: it would never expire.
        pipe.xadd(_key(request_id), fields, id=f"{batch.last}-1", nomkstream=True)
        if batch.ends:
            pipe.expire(_key(request_id), settings.RESUME_WINDOW_S)
    for answer in await pipe.execute(raise_on_error=False):
        if isinstance(answer, ResponseError) and _WRITTEN_BEFORE not in str(answer):
            raise answer


async def read(after: dict[str, int]) -> dict[str, list[Batch]]:
    """Return what was said of each generation after that message. Raises RedisError.

    The first batch may have begun before it.
    """
    streams: Any = {_key(request_id): f"{seq}-1" for request_id, seq in after.items()}
    found: Any = await async_store().xread(streams, count=_AT_ONCE)
    return {
        key.decode().partition(":")[2]: [_batch(*entry) for entry in entries]
        for key, entries in found
    }


async def last_of(request_id: str) -> Batch | None:
    """Return the last batch, if anything was said. Raises RedisError."""
    entries: Any = await async_store().xrevrange(_key(request_id), count=1)
    return _batch(*entries[0]) if entries and _SAID in entries[0][1] else None


async def take(request_id: str) -> bytes:
    """Give the generation to one more client; return what names it. Raises RedisError."""
    client = secrets.token_hex(8).encode()
    await async_store().set(_client_key(request_id), client, ex=_presence_s())
    return client


async def stop(request_id: str) -> None:
    """Ask whichever process generates to stop. Raises RedisError."""
    await async_store().set(_stop_key(request_id), b"", ex=_life_s())


async def forget(request_id: str) -> None:
    """It cannot be resumed any more. Raises RedisError."""
    await async_store().delete(_key(request_id), _client_key(request_id))


async def wanted(request_ids: Sequence[str]) -> list[Wanted]:
    """Show that this process lives, and return what is wanted of what it generates.

    Raises RedisError.
    """
    pipe = _pipeline()
    _sign(pipe)
    pipe.mget([_client_key(one) for one in request_ids])
    pipe.mget([_stop_key(one) for one in request_ids])
    _, clients, stops = await pipe.execute()
    return [Wanted(client, stop is not None) for client, stop in zip(clients, stops, strict=True)]


async def stay(followed: Sequence[tuple[str, str]]) -> list[Standing]:
    """Show that the clients of these generations are there, each named with the process that
    generates it, and return how they stand. Raises RedisError.
    """
    pipe = _pipeline()
    pipe.mget([_client_key(request_id) for request_id, _ in followed])
    pipe.mget([_web_key(web) for _, web in followed])
    for request_id, _ in followed:
        pipe.expire(_client_key(request_id), _presence_s())
        # Of one that is over and that a slow client still reads.
        pipe.expire(_key(request_id), settings.RESUME_WINDOW_S, gt=True)
    clients, webs, *_ = await pipe.execute()
    return [Standing(client, web is not None) for client, web in zip(clients, webs, strict=True)]


class NotResumable(ApiError):
    """There is no such generation, not for this caller."""

    def __init__(self, param: str | None = None) -> None:
        detail = "There is nothing to resume; it is over, too old or not yours."
        named = f"{param}: {detail}" if param else detail
        super().__init__(404, "not_resumable", named, param=param)


def store_away() -> ApiError:
    """Nobody can tell what was said."""
    detail = "Streams cannot be resumed now. Try again shortly."
    return ApiError(503, "store_unavailable", detail, retry_after=2)


def _pipeline() -> Any:
    return async_store().pipeline(transaction=False)


def _batch(entry_id: bytes, held: dict[bytes, bytes]) -> Batch:
    return Batch(int(entry_id.partition(b"-")[0]), held[_SAID], _ENDS in held)


def _sign(pipe: Any) -> None:
    """Show that this process lives."""
    pipe.set(_web_key(WEB), b"", ex=settings.LEASE_TTL_S)


def _owner(request_id: str, principal: Principal) -> str:
    whose = f"{request_id} {principal.user_id} {principal.key_id}"
    return salted_hmac("aiplatform.resumable.owner", whose, algorithm="sha256").hexdigest()


def _key(request_id: str) -> str:
    return f"resumable:{request_id}"


def _client_key(request_id: str) -> str:
    return f"resumable-client:{request_id}"


def _stop_key(request_id: str) -> str:
    return f"resumable-stop:{request_id}"


def _web_key(web: str) -> str:
    return f"resumable-web:{web}"


def _life_s() -> int:
    return int(settings.REQUEST_TIMEOUT_S + settings.RESUME_WINDOW_S + _SLACK_S)


def _presence_s() -> int:
    return int(settings.RESUME_WINDOW_S + 1)  # it is renewed a moment before a client goes
