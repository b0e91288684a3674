"""From a host's name to the addresses that a delivery may connect to."""

import asyncio
import socket

from django.conf import settings

from inference.jobs.webhooks.public_address import is_public


class AddressRefused(Exception):
    """The name has no address, or one that is not public. Which of them is not told: whoever may
    name hosts would otherwise learn what names the private network has.
    """


async def resolve(host: str, port: int) -> list[str]:
    """Return the host's IP addresses, the preferred one first. Raises AddressRefused.

    Asked once for each delivery; what connects uses these and asks nobody again.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    # One that is private refuses them all: which of several is taken must not be up to chance.
    if not settings.WEBHOOKS_ALLOW_PRIVATE and not all(map(is_public, addresses)):
        raise AddressRefused
    return addresses
