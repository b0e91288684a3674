"""Which replicas there are: announced to the Redis-protocol server under a time to live.

Two kinds of key: `replica:<id>` holds one replica as JSON and dies by itself when its host agent
does; the sorted set `replicas` lists their ids by the moment they expire.
"""

import time
from typing import Any, Final

import msgspec
import redis
import redis.asyncio

TTL_S: Final = 3.0  # announced about every half second, so five announcements may be lost
_INDEX: Final = "replicas"


class Replica(msgspec.Struct, frozen=True):
    """One running copy of a model, as its host agent last saw it.

    `state` is one of fetching, loading, ready, stuck, draining, failed. Times are Unix seconds.
    """

    id: str
    model: str
    address: str  # unix:/path
    state: str
    host: str = ""
    pid: int = 0
    progress: float = 0.0  # of fetching or loading, 0..1
    detail: str = ""  # for people: why it failed, what it is doing
    slots: int = 0
    running: int = 0
    waiting: int = 0
    steps: int = 0
    tokens: int = 0
    mean_request_s: float = 0.0
    estimated_wait_s: float = 0.0  # of a request that came now, until it would begin
    tier: str = ""
    device: str = ""  # that it is computed on: cpu, cuda:0, …
    resident_bytes: int = 0
    restarts: int = 0
    announced_at: float = 0.0


_decoder: Final = msgspec.json.Decoder(Replica)


def announce(store: redis.Redis, replica: Replica) -> None:
    """Publish `replica` for the next TTL_S seconds."""
    now = time.time()
    body = msgspec.json.encode(msgspec.structs.replace(replica, announced_at=now))
    with store.pipeline(transaction=True) as pipe:
        pipe.set(f"replica:{replica.id}", body, px=int(TTL_S * 1000))
        pipe.zadd(_INDEX, {replica.id: now + TTL_S})
        pipe.zremrangebyscore(_INDEX, 0, now - TTL_S)
        pipe.execute()


def withdraw(store: redis.Redis, replica_id: str) -> None:
    """Take a replica off the list at once."""
    with store.pipeline(transaction=True) as pipe:
        pipe.delete(f"replica:{replica_id}")
        pipe.zrem(_INDEX, replica_id)
        pipe.execute()


def replicas(store: redis.Redis) -> list[Replica]:
    """Return every replica that is announced now."""
    ids = store.zrangebyscore(_INDEX, time.time(), "+inf")
    return _decode(store.mget(_keys(ids))) if ids else []


async def replicas_async(store: redis.asyncio.Redis) -> list[Replica]:
    """The same without blocking the event loop."""
    ids = await store.zrangebyscore(_INDEX, time.time(), "+inf")
    return _decode(await store.mget(_keys(ids))) if ids else []


def _keys(ids: list[Any]) -> list[str]:
    return [f"replica:{_text(one)}" for one in ids]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _decode(bodies: list[Any]) -> list[Replica]:
    found = [_replica(body) for body in bodies if body is not None]
    return [replica for replica in found if replica is not None]


def _replica(body: bytes) -> Replica | None:
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError:
        return None  # an agent of another version; it counts for nothing rather than breaking all
