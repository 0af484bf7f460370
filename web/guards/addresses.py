"""Where a request comes from, as limits count it: an address, and of IPv6 the networks that one party may hold."""

import ipaddress

from web.guards import proxies

SITE_BITS = 64
"""What one site has of IPv6 at least: it may change its address within it as often as it likes."""

_WIDER_BITS = (56, 48)
"""What providers give to a household and to a company (RFC 6177)."""


def client_address() -> str:
    """Return the client's address; for IPv6 its /64 network, which belongs to one site."""
    address = _unmapped(proxies.peer())
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(_network(address, SITE_BITS).network_address)


def wider_networks() -> list[str]:
    """The /56 and the /48 around an IPv6 client; nothing for IPv4, of which nobody has many addresses in a row."""
    address = _unmapped(proxies.peer())
    if isinstance(address, ipaddress.IPv4Address):
        return []
    return [str(_network(address, bits)) for bits in _WIDER_BITS]


def _network(address: ipaddress.IPv6Address, bits: int) -> ipaddress.IPv6Network:
    return ipaddress.IPv6Network((address, bits), strict=False)


def _unmapped(address: proxies.Address) -> proxies.Address:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
