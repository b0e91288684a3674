"""Where a webhook goes: an address taken apart once, and used as it was understood."""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Final

import httpx
from django.conf import settings

from inference.jobs.webhooks.public_address import is_public

MAX_URL: Final = 1000  # characters
_PORTS: Final = {"https": 443, "http": 80}
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
MAX_PORT: Final = 65535
MAX_HOST: Final = 253  # characters, RFC 1035 §2.3.4
# Names that mean this machine or this network wherever they are asked for.
_LOCAL: Final = ("localhost", "local", "internal", "localdomain")


class UrlRefused(ValueError):
    """A webhook cannot go there. The message says why; it is safe to show."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed address."""

    scheme: str
    host: str  # ASCII, or an IP address without brackets
    port: int
    path: str  # with the query

    @property
    def origin(self) -> str:
        """Return scheme, host and port: what of the address is no secret."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Return what the Host header says (RFC 9110 §7.2)."""
        host = _bracketed(self.host)
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the whole address in its normal form."""
        return self.origin + self.path

    def at(self, address: str) -> str:
        """Return the URL with the IP address in the host's place."""
        return f"{self.scheme}://{_bracketed(address)}:{self.port}{self.path}"


def target_of(text: str) -> Target:
    """Return where `text` points. Raises UrlRefused.

    Names are judged by what they resolve to, at each delivery; here only what needs no resolver.
    """
    if len(text) > MAX_URL:
        raise UrlRefused(f"An address has at most {MAX_URL} characters.")
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii").rstrip(".")
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise UrlRefused("This is not an address.") from error
    _refuse_scheme(url.scheme)
    if url.userinfo or url.fragment or "#" in text:
        raise UrlRefused("An address has no user, password or fragment.")
    _refuse_host(host)
    port = _PORTS[url.scheme] if url.port is None else url.port
    if not 1 <= port <= MAX_PORT:
        raise UrlRefused(f"A port is 1 to {MAX_PORT}.")
    target = Target(url.scheme, host, port, url.raw_path.decode("ascii"))
    if len(target.url) > MAX_URL:
        raise UrlRefused(f"An address has at most {MAX_URL} characters, encoded.")
    return target


def _refuse_scheme(scheme: str) -> None:
    allowed = ["https", "http"] if settings.WEBHOOKS_ALLOW_HTTP else ["https"]
    if scheme not in allowed:
        raise UrlRefused(f"An address begins with {' or '.join(f'{one}://' for one in allowed)}.")


def _refuse_host(host: str) -> None:
    literal = _literal(host)
    if literal is None and not _is_name(host):
        raise UrlRefused("An address has the name of a host, or its IP address.")
    if settings.WEBHOOKS_ALLOW_PRIVATE:
        return
    if literal is not None and not is_public(literal):
        raise UrlRefused("This IP address is not a public one.")
    if host.rpartition(".")[2] in _LOCAL:
        raise UrlRefused("This name belongs to a private network.")


def _is_name(host: str) -> bool:
    return len(host) <= MAX_HOST and all(map(_LABEL.fullmatch, host.split(".")))


def _literal(host: str) -> str | None:
    """Return the IP address that `host` is a spelling of, or None for a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass  # a name, or an old spelling that resolvers still understand: 127.1, 0x7f000001
    try:
        return str(IPv4Address(socket.inet_aton(host)))
    except OSError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
