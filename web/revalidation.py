"""Answers that anybody may keep, and that are asked about each time: 304 for whoever has the one of now."""

from hashlib import sha256

from flask import Response, request
from werkzeug.http import parse_etags

CACHE_CONTROL = "public, no-cache"
PRIVATE_CACHE_CONTROL = "private, no-cache"
_WHO_ASKS = ("Authorization", "X-Api-Key")
"""The header fields by which a client says who it is."""


def revalidated(response: Response, etag: str, *, is_private: bool = False) -> Response:
    """Let caches keep the response and ask each time whether it still holds. `etag` tells it from any other.

    With `is_private` only the client itself may keep it, since who asked decided what is shown.
    """
    response.set_etag(etag)
    response.headers["Cache-Control"] = PRIVATE_CACHE_CONTROL if is_private else CACHE_CONTROL
    if is_private:
        response.vary.update(_WHO_ASKS)
    response.make_conditional(request)
    del response.headers["Date"]  # gunicorn sends one
    return response


def by_content(response: Response, *, is_private: bool = False, is_kept: bool = True) -> Response:
    """Do the same by a tag that is made of the body, for what no version tells of.

    With `is_kept` false nobody may keep it, and it is told whole each time.
    """
    tag = sha256(response.get_data()).hexdigest()[:32]
    if is_kept:
        return revalidated(response, tag, is_private=is_private)
    response.set_etag(tag)
    return private(response)


def private(response: Response) -> Response:
    """Let nobody but the client itself keep a response that its token or its key has decided."""
    response.headers["Cache-Control"] = "private, no-store"
    response.vary.update(_WHO_ASKS)
    return response


def private_if_asked_by_name(response: Response) -> Response:
    """Return the response, and let nobody but the client itself keep it if the request says who the client is."""
    return private(response) if any(name in request.headers for name in _WHO_ASKS) else response


def is_current(etag: str) -> bool:
    """Return whether the client has the answer with this tag, so that no body is needed."""
    return has(request.headers.get("If-None-Match", ""), etag)


def has(if_none_match: str, etag: str) -> bool:
    """Return whether a header field If-None-Match names this tag, compared weakly (RFC 9110, section 13.1.2)."""
    return bool(if_none_match) and (if_none_match == f'"{etag}"' or parse_etags(if_none_match).contains_weak(etag))
