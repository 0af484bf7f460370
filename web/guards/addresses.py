"""The client's address as limits count it: for IPv4 the address, for IPv6 the networks that one party may hold."""

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from web.guards import proxies

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SITE_BITS = 64
"""The smallest IPv6 network of a site, which may change its address within it as often as it likes."""

_WIDER_BITS = (56, 48)
"""The networks that providers give to a household and to a company (RFC 6177)."""


def client_address() -> str:
    """Return the client's address; for IPv6 its /64 network, which belongs to one site."""
    return _counted(proxies.peer())


def address_of(environ: "WSGIEnvironment") -> str:
    """Return the same of a request that Flask has not seen yet."""
    return _counted(proxies.peer_of(environ))


def wider_networks() -> list[str]:
    """Return the /56 and the /48 around an IPv6 client; an empty list for IPv4, where one party rarely has a range."""
    address = _unmapped(proxies.peer())
    if isinstance(address, ipaddress.IPv4Address):
        return []
    return [str(_network(address, bits)) for bits in _WIDER_BITS]


@lru_cache(maxsize=4096)
def _counted(peer: proxies.Address) -> str:
    address = _unmapped(peer)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(_network(address, SITE_BITS).network_address)


def _network(address: ipaddress.IPv6Address, bits: int) -> ipaddress.IPv6Network:
    return ipaddress.IPv6Network((address, bits), strict=False)


def _unmapped(address: proxies.Address) -> proxies.Address:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
