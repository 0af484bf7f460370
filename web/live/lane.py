"""The lane of viewers: a plain handshake without a ticket is admitted ahead of Flask.

Whatever is not a clean yes goes to the view, which gives the error in the contract's order. A handshake that was
counted against its address already is marked, so that the view does not count it twice.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask
from pydantic import ValidationError
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from common.contract.errors import ScoreboardError
from common.contract.requests import LiveQuery
from common.core import deadlines
from common.domain.boards import Visibility
from common.domain.periods import Period
from web import board_pages
from web.guards import limits, request_context
from web.guards.addresses import address_of
from web.guards.limit_keys import CountedLimit
from web.guards.request_context import HandedOn
from web.guards.security_headers import is_own_host
from web.live import handshake
from web.pipelined.script import BareScript
from web.services import Services

if TYPE_CHECKING:
    from web.live.views import Live

log = structlog.get_logger(__name__)

PATH = "/ws/scoreboard"
COUNTED = "scoreboard.handshake_counted"
"""The name in the WSGI environment of the mark of a handshake that was counted ahead of Flask."""

_LONGEST_QUERY = 256
_NOT_PLAIN = ("HTTP_X_API_KEY", "HTTP_TRANSFER_ENCODING", "CONTENT_LENGTH", "HTTP_EXPECT")
_AWAY = (RedisError, SQLAlchemyError, ScoreboardError)
"""Errors to which the view gives the answer."""


class ViewerLane:
    """The lane in front of `application`."""

    def __init__(self, application: WSGIApplication, app: Flask, services: Services, limit: CountedLimit) -> None:
        self._application = application
        self._app = app
        self._services = services
        self._limit = limit
        self._script = BareScript(services.redis_clients.call, "count_address")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "GET" or not self._is_plain(environ):
            return self._application(environ, start_response)
        query = _parsed(environ.get("QUERY_STRING", ""))
        period = self._period(query) if query else None
        if query is None or period is None:
            return self._application(environ, start_response)
        started = time.perf_counter()
        request_id = request_context.begin_log(environ.get("HTTP_X_REQUEST_ID", ""))
        deadlines.begin()
        if self._attempt(environ, query, period):
            deadlines.end()
            request_context.end_log("GET", PATH, 101, started)
            raise StopIteration  # gunicorn's worker ends the request and leaves the connection, as for flask-sock
        environ[request_context.HANDED_ON] = HandedOn(started, request_id, "")
        return self._application(environ, start_response)

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        """Return whether a handshake needs nothing that only the view knows."""
        settings = self._services.settings
        return (
            "gunicorn.socket" in environ
            and not any(environ.get(name) for name in _NOT_PLAIN)
            and ("HTTP_X_FORWARDED_FOR" not in environ or bool(settings.trusted_proxies))
            and (not settings.hosts or is_own_host(environ.get("HTTP_HOST", ""), settings.hosts))
            and _is_own_origin(environ)
            and handshake.asks_to_switch(environ)
            and handshake.has_key(environ)
        )

    def _period(self, query: LiveQuery) -> Period | None:
        """Return the period of a query on a board that everybody may see; None for anything else."""
        try:
            board = self._services.catalogue.current().boards.get(query.board)
            if board is None or board.visibility is not Visibility.PUBLIC:
                return None
            return board_pages.period_of(query, board, datetime.now(UTC))
        except _AWAY:
            return None

    def _attempt(self, environ: WSGIEnvironment, query: LiveQuery, period: Period) -> bool:
        """Admit the viewer and answer, or return False and leave it to the view."""
        try:
            return self._admit(environ, query, period)
        except _AWAY:
            return False
        except Exception:
            log.exception("lane_failed")
            return False

    def _admit(self, environ: WSGIEnvironment, query: LiveQuery, period: Period) -> bool:
        address = address_of(environ)
        limit = self._limit
        if not self._script(2, *limit.keys_of(address), str(limit.amount), str(limit.seconds * 1000)):
            return False
        environ[COUNTED] = True
        live: Live = self._app.extensions["live"]
        slot = live.hub.reserve(address)
        try:
            live.prepare(slot, query, period)
            answer = handshake.answer_to(environ)
            live.hub.adopt(handshake.AnsweredServer(environ), slot, query.since, answer)
        finally:
            live.hub.release(slot)  # does nothing once the viewer has it
        return True


def init_app(app: Flask, services: Services) -> None:
    """Put the lane in front of the application, unless the settings turn it off or ask every viewer for a ticket."""
    settings = services.settings
    if settings.lane == "off" or settings.rate_limit_url != settings.redis_url or settings.live_auth == "required":
        return
    limit = limits.handshake_limit(settings)
    if limit:
        app.wsgi_app = ViewerLane(app.wsgi_app, app, services, limit)  # type: ignore[method-assign]  # Flask's way


@lru_cache(maxsize=1024)
def _parsed(query: str) -> LiveQuery | None:
    """Return a query without a ticket; None for one that the view has to look at."""
    if len(query) > _LONGEST_QUERY:
        return None
    pairs = parse_qsl(query, keep_blank_values=True)
    values = dict(pairs)
    if len(values) != len(pairs) or "ticket" in values:
        return None
    try:
        return LiveQuery.model_validate(values, strict=False)
    except ValidationError:
        return None


def _is_own_origin(environ: WSGIEnvironment) -> bool:
    origin = environ.get("HTTP_ORIGIN")
    host = environ.get("HTTP_HOST", "")
    return origin is None or (bool(host) and origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower()))
