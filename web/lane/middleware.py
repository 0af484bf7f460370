"""WSGI middleware that answers plain requests ahead of Flask, and hands every other one on as it came."""

import io
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
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
from web.guards.request_context import COUNTED_BY_ADDRESS, MAX_BODY_BYTES, HandedOn
from web.guards.security_headers import headers_for, is_own_host
from web.lane import reads, updates
from web.lane.message import LaneReply, LaneRequest
from web.services import Services

log = structlog.get_logger(__name__)

Answering = Callable[[LaneRequest], LaneReply | None]

_AWAY = (RedisError, SQLAlchemyError, ScoreboardError)
"""Errors to which the views give the answer."""


class Lane:
    """The lane in front of `application`. `answering` has a function for each method and path that it takes."""

    def __init__(
        self, application: WSGIApplication, settings: Settings, answering: Mapping[tuple[str, str], Answering]
    ) -> None:
        self._application = application
        self._settings = settings
        self._answering = answering
        self._vary = (("Vary", "Origin"),) if settings.further_origins else ()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answering.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if answer is None or not self._is_plain(environ):
            return self._application(environ, start_response)
        started = time.perf_counter()
        nonce = new_nonce()
        request_id = request_context.begin_log(environ.get("HTTP_X_REQUEST_ID", ""))
        deadlines.begin()
        reply = _attempt(answer, _request(environ, request_id, nonce))
        if reply is None:
            environ[request_context.HANDED_ON] = HandedOn(started, request_id, nonce)
            return self._application(environ, start_response)
        deadlines.end()
        given = {name for name, _ in reply.headers}
        due = headers_for(environ["PATH_INFO"], is_secure=environ["wsgi.url_scheme"] == "https")
        protection = [header for header in due if header[0] not in given]
        length = () if reply.status == HTTPStatus.NOT_MODIFIED else (("Content-Length", str(len(reply.body))),)
        request_context.end_log(environ["REQUEST_METHOD"], reply.route, reply.status, started)
        start_response(
            _status_line(reply.status),
            [*reply.headers, *length, *self._vary, *protection, ("X-Request-ID", request_id)],
        )
        return (reply.body,)

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        """Return whether nothing in the request's headers needs a guard that only the views have."""
        settings = self._settings
        return not (
            (settings.hosts and not is_own_host(environ.get("HTTP_HOST", ""), settings.hosts))
            or "HTTP_X_API_KEY" in environ
            or ("HTTP_X_FORWARDED_FOR" in environ and not settings.trusted_proxies)
            or ("HTTP_ORIGIN" in environ and settings.further_origins)
        )


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
        lane = updates.UpdateLane(app, services, updates.UpdateLimits(by_address, by_user))
        answering["POST", updates.PATH] = lane.answer
    app.wsgi_app = Lane(app.wsgi_app, settings, answering)  # type: ignore[method-assign]  # Flask's documented place


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
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


@cache
def _status_line(status: int) -> str:
    """Return the status line as werkzeug writes it."""
    return f"{status} {HTTPStatus(status).phrase.upper()}"
