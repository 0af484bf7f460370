"""The client's address behind proxies, of which only as many are trusted as the operator has configured."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from common.core.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
_UNKNOWN = ipaddress.IPv4Address("0.0.0.0")  # noqa: S104 - a name for nobody, not a place to listen


class TrustedProxies(ProxyFix):
    """The application behind `trusted` proxies, each of which appends its peer to X-Forwarded-For.

    X-Forwarded-Proto is taken from the nearest proxy that sets it.
    """

    def __init__(self, app: "WSGIApplication", trusted: int) -> None:
        super().__init__(app, x_for=trusted, x_proto=1)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # A lone quote by the client would make one entry of all that follow it, and put its own where the proxy's is.
        if _FORWARDED_FOR in environ:
            environ[_FORWARDED_FOR] = environ[_FORWARDED_FOR].replace('"', "")
        return super().__call__(environ, start_response)


class UncountedProxies:
    """Detects a proxy that `SCOREBOARD_TRUSTED_PROXIES` does not count: its clients would share one address' limits."""

    def __init__(self) -> None:
        self._is_told = False

    def notice(self) -> None:
        """Log once if a peer in a private network forwards requests of others."""
        if self._is_told or _FORWARDED_FOR not in request.environ:
            return
        if peer().is_private:
            self._is_told = True
            log.warning("forwarded_for_not_believed", peer=str(peer()), setting="SCOREBOARD_TRUSTED_PROXIES")


def init_app(app: Flask, settings: Settings) -> None:
    """Believe as many proxies as the settings say. Call this last: what it wraps sees the client's own address."""
    if settings.trusted_proxies:
        trusted = TrustedProxies(app.wsgi_app, settings.trusted_proxies)
        app.wsgi_app = trusted  # type: ignore[method-assign]  # Flask's documented place for middleware
    else:
        app.before_request(UncountedProxies().notice)


def peer() -> Address:
    """Return the address of the client of this request."""
    return peer_of(request.environ)


def peer_of(environ: "WSGIEnvironment") -> Address:
    """Return the address of a request's client, or of the nearest proxy if that one sends something else."""
    before_proxies = environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR")
    return _parsed(environ.get("REMOTE_ADDR")) or _parsed(before_proxies) or _UNKNOWN


@lru_cache(maxsize=4096)
def _parsed(value: str | None) -> Address | None:
    """Parse `192.0.2.1` or `2001:db8::1`, also with a port, as some proxies write it: `[2001:db8::1]:80`."""
    text = (value or "").strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
