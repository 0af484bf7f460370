"""Answers that anybody may keep, and that are asked about each time: 304 for whoever has the one of now."""

from flask import Response, request
from werkzeug.http import parse_etags

CACHE_CONTROL = "public, no-cache"
PRIVATE_CACHE_CONTROL = "private, no-cache"


def revalidated(response: Response, etag: str, *, is_private: bool = False) -> Response:
    """Let caches keep the response and ask each time whether it still holds. `etag` tells it from any other.

    With `is_private` only the client itself may keep it, since who asked decided what is shown.
    """
    response.set_etag(etag)
    response.headers["Cache-Control"] = PRIVATE_CACHE_CONTROL if is_private else CACHE_CONTROL
    if is_private:
        response.vary.add("Authorization")
    response.make_conditional(request)
    del response.headers["Date"]  # gunicorn sends one
    return response


def is_current(etag: str) -> bool:
    """Return whether the client has the answer with this tag, so that no body is needed."""
    return has(request.headers.get("If-None-Match", ""), etag)


def has(if_none_match: str, etag: str) -> bool:
    """Return whether a header field If-None-Match names this tag, compared weakly (RFC 9110, section 13.1.2)."""
    return bool(if_none_match) and (if_none_match == f'"{etag}"' or parse_etags(if_none_match).contains_weak(etag))
