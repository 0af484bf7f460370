"""Header fields that limit what browsers do with our answers: no type sniffing, no framing, no referrer.

Pages of other origins may call the API if the operator names them; no cookie is ever involved.
"""

import re

from flask import Flask, Response, request
from flask_cors import CORS

from common.contract.errors import invalid_field
from common.core.settings import Settings
from web.services import services

# The policy of everything but our own pages: an answer that is opened as a document can do nothing.
NO_CONTENT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_HSTS = "max-age=31536000"
"""One year (RFC 6797)."""

_PREFLIGHT_SECONDS = 600
_READABLE = [
    "ETag", "Idempotent-Replayed", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    "X-Request-ID",
]  # fmt: skip


_ASKED_BY_PROBES = ("/healthz", "/readyz")
_CALLED_BY_PAGES = r"/(api/.*|openapi\.json|asyncapi\.json)"


def init_app(app: Flask, settings: Settings) -> None:
    app.after_request(protect)
    if settings.hosts:
        app.before_request(refuse_other_hosts)
    if settings.further_origins:
        app.after_request(vary)
        CORS(
            app,
            resources={
                _CALLED_BY_PAGES: {"origins": [_literally(origin) for origin in sorted(settings.further_origins)]}
            },
            methods=["GET", "POST"],
            expose_headers=_READABLE,
            max_age=_PREFLIGHT_SECONDS,
            supports_credentials=False,
        )


def _literally(origin: str) -> re.Pattern[str]:
    """Return a pattern for the origin alone: Flask-CORS takes a text with brackets, as of IPv6, for a pattern."""
    return re.compile(rf"{re.escape(origin)}\Z", re.IGNORECASE)


def refuse_other_hosts() -> None:
    """Raise `validation_failed` for a request whose host is not one of `SCOREBOARD_ALLOWED_HOSTS`.

    Health checks are excepted, because probes use addresses.
    """
    name = re.sub(r":[0-9]*\Z", "", request.host.lower())
    if request.path not in _ASKED_BY_PROBES and name not in services().settings.hosts:
        raise invalid_field("Host", "names no host of this service")


def vary(response: Response) -> Response:
    """Let caches keep the answers for different origins apart."""
    if re.fullmatch(_CALLED_BY_PAGES, request.path):
        response.vary.add("Origin")
    return response


def protect(response: Response) -> Response:
    """Add the security headers that a response does not have yet."""
    present = {name.lower() for name, _ in response.headers}
    due = headers_for(request.path, is_secure=request.is_secure)
    response.headers.extend([header for header in due if header[0].lower() not in present])
    return response


def headers_for(path: str, *, is_secure: bool) -> tuple[tuple[str, str], ...]:
    """Return the names and values of the header fields that an answer at this path has, unless it has its own.

    Pure. `is_secure` says that the request came by TLS.
    """
    return _HEADERS[path.startswith("/api/"), is_secure]


def _composed(*, is_api: bool, is_secure: bool) -> tuple[tuple[str, str], ...]:
    of_the_api = (("Cache-Control", "no-store"),) if is_api else ()
    of_tls = (("Strict-Transport-Security", _HSTS),) if is_secure else ()
    return (*_ALWAYS, *of_the_api, ("Content-Security-Policy", NO_CONTENT_POLICY), *of_tls)


_HEADERS = {
    (is_api, is_secure): _composed(is_api=is_api, is_secure=is_secure)
    for is_api in (False, True)
    for is_secure in (False, True)
}
