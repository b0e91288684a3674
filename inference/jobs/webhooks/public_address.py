"""Which addresses are somebody's on the internet, and not of this machine or network.

Written out, because what `ipaddress` calls global differs between releases of Python
(CVE-2024-4032). From IANA's IPv4 and IPv6 special-purpose address registries.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_REFUSED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata among it
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own agent, at an address that looks public
        "169.254.0.0/16",  # link-local: the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation, as two below
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# All that is given out. Outside are loopback, link-local, unique local and IPv4-mapped addresses,
# NAT64 and multicast.
_GIVEN_OUT_V6: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols: Teredo carries an IPv4 address within
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 carries one as well
        "3fff::/20",  # documentation
    )
)


def is_public(text: str) -> bool:
    """Return whether an address, as the resolver gives it, is one on the internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return _is_public_v4(address) if isinstance(address, IPv4Address) else _is_public_v6(address)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _REFUSED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address not in _GIVEN_OUT_V6:
        return False
    return not any(address in network for network in _REFUSED_V6)
