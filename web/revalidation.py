"""Answers that anybody may keep, and that are asked about each time: 304 for whoever has the one of now."""

from flask import Response, request


def revalidated(response: Response, etag: str) -> Response:
    """Let caches keep the response and ask each time whether it still holds. `etag` tells it from any other."""
    response.set_etag(etag)
    response.cache_control.public = True
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response
