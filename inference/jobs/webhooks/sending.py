"""One attempt: connect to an address that was looked at, post, read the beginning of the answer.

No redirect is followed, no proxy of the environment used, no cookie kept, no connection shared: one
that was opened to an address for one name must not carry what is meant for another.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import certifi
import httpx
from django.conf import settings

from inference.jobs.webhooks.resolving import AddressRefused, resolve
from inference.jobs.webhooks.target import Target

CONNECT_S: Final = 5.0
MAX_ADDRESSES: Final = 3  # of one host that are tried, one after the other
MAX_ANSWER: Final = 1024  # bytes of the answer that are read
_FIXED: Final = {
    "content-type": "application/json",
    "user-agent": "aiplatform-webhooks/1",
    "accept-encoding": "identity",  # nothing is unpacked, so nothing unpacks to more
    "connection": "close",
}


@dataclass(slots=True)
class Outcome:
    """How an attempt went."""

    status: int | None = None  # of HTTP; None: there was no answer
    error: str = ""  # machine-readable; empty where the answer says it all
    answer: bytes = b""  # the first MAX_ANSWER bytes
    duration_ms: float = 0.0
    begun: float = field(default_factory=time.monotonic)

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


async def send(target: Target, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Post `body` and return how it went, in WEBHOOKS_TIMEOUT_S at the most."""
    outcome = Outcome()
    try:
        async with asyncio.timeout(settings.WEBHOOKS_TIMEOUT_S):
            await _post(target, {**headers, **_FIXED, "host": target.authority}, body, outcome)
    except (AddressRefused, TimeoutError, httpx.TransportError) as error:
        # Whoever said 200 and then dawdles has said 200.
        outcome.error = "" if outcome.status else _error_code(error)
    if outcome.status and 300 <= outcome.status < 400:
        outcome.error = "redirect_refused"
    outcome.duration_ms = (time.monotonic() - outcome.begun) * 1000
    return outcome


async def _post(target: Target, headers: Mapping[str, str], body: bytes, outcome: Outcome) -> None:
    addresses = (await resolve(target.host, target.port))[:MAX_ADDRESSES]
    async with _client() as client:
        for address in addresses:
            try:
                await _post_to(client, target, address, headers, body, outcome)
                return
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise


async def _post_to(
    client: httpx.AsyncClient,
    target: Target,
    address: str,
    headers: Mapping[str, str],
    body: bytes,
    outcome: Outcome,
) -> None:
    # The certificate must be the name's, wherever the connection goes.
    extensions = {"sni_hostname": target.host}
    async with client.stream(
        "POST", target.at(address), headers=headers, content=body, extensions=extensions
    ) as response:
        outcome.status = response.status_code
        async for chunk in response.aiter_raw():
            outcome.answer = (outcome.answer + chunk)[:MAX_ANSWER]
            if len(outcome.answer) == MAX_ANSWER:
                return


def _client() -> httpx.AsyncClient:
    timeout = httpx.Timeout(settings.WEBHOOKS_TIMEOUT_S, connect=CONNECT_S)
    return httpx.AsyncClient(
        verify=trusted_authorities(), timeout=timeout, trust_env=False, follow_redirects=False
    )


@lru_cache(maxsize=1)
def trusted_authorities() -> ssl.SSLContext:
    """Return whose certificates are believed: the operating system's, and where it has none
    Mozilla's. Loading them takes tens of milliseconds.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _error_code(error: Exception) -> str:
    if isinstance(error, AddressRefused):
        return "address_refused"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "timed_out"
    if isinstance(error, httpx.ConnectError):
        return "certificate_refused" if _is_of_tls(error) else "connection_failed"
    return "no_answer"


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
