"""The lane in front of Flask: it answers plain requests, and hands every other one on as it came."""

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
from web.guards.request_context import HANDED_ON, HandedOn
from web.guards.security_headers import headers_for, is_own_host
from web.lane import places, reads, updates
from web.lane.message import LaneReply, LaneRequest
from web.live import lane as viewers
from web.services import Services

log = structlog.get_logger(__name__)

Answering = Callable[[LaneRequest], LaneReply | None]

BEFORE_WSGI = "lane_before_wsgi"
"""The name among the extensions of the lane that the server itself may ask, where no other middleware comes first."""

_AWAY = (RedisError, SQLAlchemyError, ScoreboardError)
"""Errors to which the views give the answer."""


class Answer(NamedTuple):
    """A status line, the header fields, and the body of a response."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


SENT = Answer("101 SWITCHING PROTOCOLS", [], b"")
"""An answer of which nothing is left to send: the connection speaks another protocol."""


class Lane:
    """Answers plain requests.

    `answering` has a function for each method and path that it takes. A path that ends with `/` stands for all that
    have one more part.
    """

    def __init__(self, settings: Settings, answering: Mapping[tuple[str, str], Answering]) -> None:
        self._answering = answering
        self._hosts = settings.hosts
        self._is_behind_proxies = bool(settings.trusted_proxies)
        self._has_further_origins = bool(settings.further_origins)
        self._vary = (("Vary", "Origin"),) if settings.further_origins else ()

    def takes(self, method: str, path: str) -> bool:
        """Return whether requests of this kind can be plain."""
        return self._attempt_at(method, path) is not None

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """Return the answer to a request, or None if Flask has to handle it.

        `environ` then has what Flask has to know of what was begun, and a body that can be read again.
        """
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        attempt = self._attempt_at(method, path)
        if attempt is None or HANDED_ON in environ or not self._is_plain(environ, path):
            return None
        started = time.perf_counter()
        nonce = new_nonce() if method == "POST" else ""
        request_id = request_context.begin_log(environ.get("HTTP_X_REQUEST_ID", ""))
        deadlines.begin()
        reply = _attempted(attempt, LaneRequest(environ, request_id, nonce))
        if reply is None:
            environ[HANDED_ON] = HandedOn(started, request_id, nonce)
            return None
        deadlines.end()
        request_context.end_log(method, reply.route, reply.status, started)
        return self._completed(reply, request_id, is_secure=environ["wsgi.url_scheme"] == "https")

    def _attempt_at(self, method: str, path: str) -> Answering | None:
        found = self._answering.get((method, path))
        return found or self._answering.get((method, path[: path.rfind("/") + 1]))

    def _completed(self, reply: LaneReply, request_id: str, *, is_secure: bool) -> Answer:
        """Add the header fields that every answer has."""
        if reply.status == HTTPStatus.SWITCHING_PROTOCOLS:
            return SENT
        protection = _protection(tuple([name for name, _ in reply.headers]), reply.route, is_secure)
        length = () if reply.status == HTTPStatus.NOT_MODIFIED else (("Content-Length", str(len(reply.body))),)
        headers = [*reply.headers, *length, *self._vary, *protection, ("X-Request-ID", request_id)]
        return Answer(_status_line(reply.status), headers, reply.body)

    def _is_plain(self, environ: WSGIEnvironment, path: str) -> bool:
        """Return whether nothing in the request's headers needs a guard that only the views have."""
        return not (
            (self._hosts and not is_own_host(environ.get("HTTP_HOST", ""), self._hosts))
            or "HTTP_X_API_KEY" in environ
            or ("HTTP_X_FORWARDED_FOR" in environ and not self._is_behind_proxies)
            or ("HTTP_ORIGIN" in environ and self._has_further_origins and path.startswith("/api/"))
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
        if answer is SENT:
            raise StopIteration  # gunicorn's worker ends the request and leaves the connection, as for flask-sock
        start_response(answer.status, answer.headers)
        return (answer.body,)


def init_app(app: Flask, services: Services) -> None:
    """Put the lane in front of the application, unless the settings turn it off or keep its parts on two servers."""
    settings = services.settings
    if settings.lane == "off" or settings.rate_limit_url != settings.redis_url:
        return
    answering = _answering_api(app, services)
    if not settings.trusted_proxies and not settings.root_path:
        app.extensions[BEFORE_WSGI] = Lane(settings, answering)
    lane = Lane(settings, answering | _answering_viewers(app, services))
    app.wsgi_app = LaneMiddleware(app.wsgi_app, lane)  # type: ignore[method-assign]  # Flask's documented place


def _answering_api(app: Flask, services: Services) -> dict[tuple[str, str], Answering]:
    answering: dict[tuple[str, str], Answering] = {}
    by_address, by_user = limits.address_limit(services.settings), limits.user_limit(services.settings)
    if by_address:
        answering["GET", reads.PATH] = reads.ReadLane(services, by_address).answer
        answering["GET", places.FOLDER] = places.PlaceLane(services, by_address).answer
    if by_address and by_user:
        of_updates = updates.UpdateLane(app, services, updates.UpdateLimits(by_address, by_user))
        answering["POST", updates.PATH] = of_updates.answer
    return answering


def _answering_viewers(app: Flask, services: Services) -> dict[tuple[str, str], Answering]:
    """Return who admits viewers: nobody where each needs a ticket. WSGI alone knows the socket, so only it asks."""
    by_address = limits.handshake_limit(services.settings)
    if by_address is None or services.settings.live_auth == "required":
        return {}
    return {("GET", viewers.PATH): viewers.ViewerLane(app, services, by_address).answer}


def _attempted(attempt: Answering, request: LaneRequest) -> LaneReply | None:
    try:
        return attempt(request)
    except _AWAY:
        return None
    except Exception:
        log.exception("lane_failed")
        return None


@lru_cache(maxsize=64)
def _protection(given: tuple[str, ...], route: str, is_secure: bool) -> tuple[tuple[str, str], ...]:
    """Return the security headers of an answer that has the `given` fields already."""
    return tuple(header for header in headers_for(route, is_secure=is_secure) if header[0] not in given)


@cache
def _status_line(status: int) -> str:
    """Return the status line as werkzeug writes it."""
    return f"{status} {HTTPStatus(status).phrase.upper()}"
