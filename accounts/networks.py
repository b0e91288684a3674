"""Networks that a key may be used from, and whether an address lies in one of them."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_LONGEST: Final = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128")


def parse_network(text: str) -> Network:
    """Return the network that `text` names in CIDR notation; an address alone is a network of one.

    Bits right of the prefix are dropped, and IPv4 written as IPv6 (RFC 4291 §2.5.5.2) becomes
    IPv4: the form in which addresses are compared. Raises ValueError.
    """
    if len(text) > _LONGEST or "%" in text:
        raise ValueError(f"{text[:_LONGEST]!r} is no network")
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        number = int(network.network_address) & 0xFFFFFFFF
        return IPv4Network((number, network.prefixlen - _MAPPED.prefixlen))
    return network


def lies_in(address: str, networks: Iterable[Network]) -> bool:
    """Return whether one of the networks has the address; none has what is no address."""
    try:
        found = ip_address(address.partition("%")[0])  # a link-local address may name its interface
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def is_within(network: Network, others: Iterable[Network]) -> bool:
    """Return whether one of the others has every address of the network."""
    return any(_has(other, network) for other in others)


def _has(outer: Network, inner: Network) -> bool:
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)
