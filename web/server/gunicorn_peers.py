"""Whom gunicorn believes about forwarded requests: nobody, which it would find out anew for every request."""

from typing import Any

from gunicorn.http.message import HeaderPolicy


def install() -> None:
    """Trust no peer with an address: `forwarded_allow_ips` is empty, and `web/guards/proxies.py` says whom we believe.

    gunicorn parses the peer's address for each request before it looks into the empty list.
    """
    policy: Any = HeaderPolicy
    policy._peer_is_trusted_proxy = _is_no_address


def _is_no_address(message: Any) -> bool:  # noqa: ANN401 - gunicorn has no types for it
    return not isinstance(message.peer_addr, tuple)
