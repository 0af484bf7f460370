"""The lane of viewers: a plain handshake without a ticket is admitted ahead of Flask.

Whatever is not a clean yes goes to the view, which gives the error in the contract's order. A handshake that was
counted against its address already is marked, so that the view does not count it twice.
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from wsgiref.types import WSGIEnvironment

from flask import Flask

from common.contract.requests import LiveQuery
from common.domain.boards import Visibility
from common.domain.periods import Period
from web import board_pages
from web.guards.limit_keys import CountedLimit
from web.lane.message import LaneReply, LaneRequest
from web.lane.queries import query_parser
from web.live import handshake
from web.pipelined.script import BareScript
from web.services import Services

if TYPE_CHECKING:
    from web.live.views import Live

PATH = "/ws/scoreboard"

_SHORT = re.compile(r".{0,256}", re.DOTALL)
_NOT_PLAIN = ("HTTP_TRANSFER_ENCODING", "CONTENT_LENGTH", "HTTP_EXPECT")

_parsed = query_parser(LiveQuery, _SHORT)


class ViewerLane:
    """Admits viewers ahead of Flask, with the services of the application."""

    def __init__(self, app: Flask, services: Services, by_address: CountedLimit) -> None:
        self._app = app
        self._services = services
        self._by_address = by_address
        self._script = BareScript(services.redis_clients.call_script, "count_address")

    def answer(self, request: LaneRequest) -> LaneReply | None:
        """Admit a viewer and send the answer, or return None if the view has to look at the handshake.

        Raises ScoreboardError and the errors of servers that are away: the view then gives the answer to them.
        """
        query = _parsed(request.query) if _is_plain_handshake(request.environ) else None
        if query is None or query.ticket is not None:
            return None
        board = self._services.catalogue.current().public_board(query.board)
        if board is None:
            return None
        period = board_pages.watched_period(query, board, datetime.now(UTC))
        if not self._count(request.address):
            return None
        request.mark_counted()
        self._admit(request, query, period)
        return LaneReply(101, PATH)

    def _count(self, address: str) -> bool:
        """Count the handshake and return True; or return False if its address has reached its limit."""
        limit = self._by_address
        return bool(self._script(2, *limit.keys_of(address), str(limit.amount), str(limit.seconds * 1000)))

    def _admit(self, request: LaneRequest, query: LiveQuery, period: Period) -> None:
        live: Live = self._app.extensions["live"]
        slot = live.hub.reserve(request.address)
        try:
            live.prepare(slot, query, period, Visibility.PUBLIC)
            answer = handshake.answer_to(request.environ)
            live.hub.adopt(request.environ["gunicorn.socket"], slot, query.since, answer)
        finally:
            live.hub.release(slot)  # does nothing once the viewer has it


def _is_plain_handshake(environ: WSGIEnvironment) -> bool:
    """Return whether this is a handshake that needs nothing that only the view knows."""
    return (
        "gunicorn.socket" in environ
        and not any(environ.get(name) for name in _NOT_PLAIN)
        and _is_own_origin(environ)
        and handshake.asks_to_switch(environ)
        and handshake.has_key(environ)
    )


def _is_own_origin(environ: WSGIEnvironment) -> bool:
    origin = environ.get("HTTP_ORIGIN")
    host = environ.get("HTTP_HOST", "")
    return origin is None or (bool(host) and origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower()))
