"""The lane in front of Flask: it answers plain requests, and hands every other one on as it came."""

import io
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from http import HTTPStatus
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from common.contract.errors import ScoreboardError
from common.core import deadlines
from common.core.settings import Settings
from common.redis_store.inbox import new_nonce
from web.guards import limits, request_context
from web.guards.addresses import address_of
from web.guards.request_context import COUNTED_BY_ADDRESS, HANDED_ON, MAX_BODY_BYTES, HandedOn
from web.guards.security_headers import headers_for, is_own_host
from web.lane import reads, updates
from web.lane.message import LaneReply, LaneRequest
from web.services import Services

log = structlog.get_logger(__name__)

Answering = Callable[[LaneRequest], LaneReply | None]

BEFORE_WSGI = "lane_before_wsgi"
"""The name among the extensions of the lane that the server itself may ask, where no other middleware comes first."""

_AWAY = (RedisError, SQLAlchemyError, ScoreboardError)
"""Errors to which the views give the answer."""


class ReadBody(io.BytesIO):
    """A body that was read already. `handed_on` is what the WSGI environment has to say of its request."""

    handed_on: WSGIEnvironment | None = None


class Answer(NamedTuple):
    """A status line, the header fields, and the body of a response."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Lane:
    """Answers plain requests. `answering` has a function for each method and path that it takes."""

    def __init__(self, settings: Settings, answering: Mapping[tuple[str, str], Answering]) -> None:
        self._settings = settings
        self._answering = answering
        self._vary = (("Vary", "Origin"),) if settings.further_origins else ()

    def takes(self, method: str, path: str) -> bool:
        """Return whether requests of this kind can be plain."""
        return (method, path) in self._answering

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """Return the answer to a request, or None if Flask has to handle it.

        `environ` then has what Flask has to know of what was begun, and a body that can be read again.
        """
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        attempt = self._answering.get((method, path))
        if attempt is None or HANDED_ON in environ or not self._is_plain(environ):
            return None
        started = time.perf_counter()
        nonce = new_nonce() if method == "POST" else ""
        request_id = request_context.begin_log(environ.get("HTTP_X_REQUEST_ID", ""))
        deadlines.begin()
        reply = _attempt(attempt, _request(environ, request_id, nonce))
        if reply is None:
            environ[HANDED_ON] = HandedOn(started, request_id, nonce)
            return None
        deadlines.end()
        request_context.end_log(method, reply.route, reply.status, started)
        return self._complete(reply, path, request_id, is_secure=environ["wsgi.url_scheme"] == "https")

    def _complete(self, reply: LaneReply, path: str, request_id: str, *, is_secure: bool) -> Answer:
        """Add the header fields that every answer has."""
        protection = _protection(tuple([name for name, _ in reply.headers]), path, is_secure)
        length = () if reply.status == HTTPStatus.NOT_MODIFIED else (("Content-Length", str(len(reply.body))),)
        headers = [*reply.headers, *length, *self._vary, *protection, ("X-Request-ID", request_id)]
        return Answer(_status_line(reply.status), headers, reply.body)

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        """Return whether nothing in the request's headers needs a guard that only the views have."""
        settings = self._settings
        return not (
            (settings.hosts and not is_own_host(environ.get("HTTP_HOST", ""), settings.hosts))
            or "HTTP_X_API_KEY" in environ
            or ("HTTP_X_FORWARDED_FOR" in environ and not settings.trusted_proxies)
            or ("HTTP_ORIGIN" in environ and settings.further_origins)
        )


class LaneMiddleware:
    """The lane in front of `application`."""

    def __init__(self, application: WSGIApplication, lane: Lane) -> None:
        self._application = application
        self._lane = lane

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        handed_on = getattr(environ["wsgi.input"], "handed_on", None)
        if handed_on:
            environ.update(handed_on)
        answer = self._lane.answer(environ)
        if answer is None:
            return self._application(environ, start_response)
        start_response(answer.status, answer.headers)
        return (answer.body,)


def init_app(app: Flask, services: Services) -> None:
    """Put the lane in front of the application, unless the settings turn it off or keep its parts on two servers."""
    settings = services.settings
    if settings.lane == "off" or settings.rate_limit_url != settings.redis_url:
        return
    answering: dict[tuple[str, str], Answering] = {}
    by_address, by_user = limits.address_limit(settings), limits.user_limit(settings)
    if by_address:
        answering["GET", reads.PATH] = reads.ReadLane(services, by_address).answer
    if by_address and by_user:
        of_updates = updates.UpdateLane(app, services, updates.UpdateLimits(by_address, by_user))
        answering["POST", updates.PATH] = of_updates.answer
    lane = Lane(settings, answering)
    if not settings.trusted_proxies and not settings.root_path:
        app.extensions[BEFORE_WSGI] = lane
    app.wsgi_app = LaneMiddleware(app.wsgi_app, lane)  # type: ignore[method-assign]  # Flask's documented place


def _attempt(answer: Answering, request: LaneRequest) -> LaneReply | None:
    try:
        return answer(request)
    except _AWAY:
        return None
    except Exception:
        log.exception("lane_failed")
        return None


def _request(environ: WSGIEnvironment, request_id: str, nonce: str) -> LaneRequest:
    return LaneRequest(
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        header=lambda name: _header(environ, name),
        read_body=lambda: _read_body(environ),
        address=address_of(environ),
        mark_counted=lambda: environ.update({COUNTED_BY_ADDRESS: True}),
        root_path=environ.get("SCRIPT_NAME", ""),
        request_id=request_id,
        nonce=nonce,
    )


def _header(environ: WSGIEnvironment, name: str) -> str:
    value: str = environ.get("CONTENT_TYPE" if name == "CONTENT_TYPE" else f"HTTP_{name}", "")
    return value


def _read_body(environ: WSGIEnvironment) -> bytes | None:
    """Read the body and leave it to be read again. None for one whose length is unknown or too great: not read then."""
    length = environ.get("CONTENT_LENGTH", "")
    if "HTTP_TRANSFER_ENCODING" in environ or not (length.isascii() and length.isdecimal()):
        return None
    if int(length) > MAX_BODY_BYTES:
        return None
    try:
        body: bytes = environ["wsgi.input"].read(int(length))
    except OSError:  # the client has gone
        return None
    environ["wsgi.input"] = ReadBody(body)
    return body


@lru_cache(maxsize=64)
def _protection(given: tuple[str, ...], path: str, is_secure: bool) -> tuple[tuple[str, str], ...]:
    """Return the security headers of an answer that has the `given` fields already."""
    return tuple(header for header in headers_for(path, is_secure=is_secure) if header[0] not in given)


@cache
def _status_line(status: int) -> str:
    """Return the status line as werkzeug writes it."""
    return f"{status} {HTTPStatus(status).phrase.upper()}"
