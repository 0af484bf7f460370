"""`WS /ws/scoreboard`: access is decided in plain HTTP before the handshake; afterwards the hub has the socket."""

from collections.abc import Callable
from datetime import UTC, datetime
from socket import socket
from typing import cast
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, current_app, g, request
from flask_sock import Sock
from simple_websocket import Server
from werkzeug.exceptions import MethodNotAllowed

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.requests import LiveQuery
from common.core import deadlines
from common.domain.boards import Visibility
from common.domain.periods import Period
from common.redis_store import client as redis_client
from common.redis_store import tickets
from common.redis_store.tickets import Ticket
from web import board_pages
from web.api.parsing import query_as
from web.guards import limits
from web.guards.access import public
from web.guards.addresses import client_address
from web.guards.board_access import board_for_ticket, unknown
from web.guards.request_context import COUNTED_BY_ADDRESS
from web.live import handshake
from web.live.board_watch import BoardWatch, season_of
from web.live.feed import Feed
from web.live.first_reads import FirstReads
from web.live.group import Watch
from web.live.handshake import LONGEST_MESSAGE_BYTES
from web.live.hub import Hub, Slot
from web.live.lane import PATH
from web.live.unlocks import UnlockFeed
from web.reference.documented import ResponseDoc, documented
from web.services import Services, services


class _NoThread:
    """Takes the place of simple-websocket's reader thread and does nothing, since the hub reads."""

    def __init__(self, target: Callable[[], None] | None = None) -> None:
        del target
        self.name = ""

    def start(self) -> None:
        """Start nothing."""


class Live:
    """The hub of this process and its feed."""

    def __init__(self, adapters: Services) -> None:
        settings = adapters.settings
        self._leaderboard = adapters.leaderboard
        self._catalogue = adapters.catalogue
        self._first_reads = FirstReads()
        self.hub = Hub(most=settings.live_max, most_per_address=settings.live_per_ip, most_groups=settings.live_groups)
        listener = redis_client.connect_to_listen(settings.redis_url)
        self.unlocks = UnlockFeed(self.hub, adapters.engine, adapters.catalogue)
        self.feed = Feed(
            self.hub,
            adapters.leaderboard,
            adapters.revocations,
            listener,
            adapters.heartbeats,
            unlocks=self.unlocks,
        )
        self.feed.add(self.unlocks.tell_unlocks)
        self.feed.add(BoardWatch(self.hub, adapters.catalogue, self.feed.expect_season).check_boards)

    def prepare(self, slot: Slot, query: LiveQuery, period: Period, visibility: Visibility) -> None:
        """Prepare what the viewer of this slot will see. The board is read once for a group.

        `visibility` is the board's when it was decided that the viewer may see it; a stricter one ends the stream.
        """
        self.feed.start()
        watch = Watch(query.board, query.period, query.limit)
        if not self.hub.is_watched(watch):
            self.hub.check_room(watch)
            top = self._first_reads.head(watch, lambda: self._leaderboard.top(query.board, period.id, query.limit))
            board = self._catalogue.current().boards.get(query.board)
            season = season_of(board, period.id, datetime.now(UTC)) if board else None
            self.hub.open(watch, period.id, top, season)
        self.hub.expect(slot, watch, visibility)


def live() -> Live:
    """Return the live part of the application that handles this request."""
    found: Live = current_app.extensions["live"]
    return found


def init_app(app: Flask, adapters: Services) -> None:
    app.extensions["live"] = Live(adapters)
    app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": _NoThread, "max_message_size": LONGEST_MESSAGE_BYTES}
    app.before_request(_admit)
    app.after_request(_log_as_switched)
    app.teardown_request(_release_slot)
    Sock(app).route(PATH)(_hand_over)


@documented(
    "watchBoard",
    "Watch a board live",
    description="A WebSocket handshake; `/asyncapi.json` tells what is said on it. Every refusal comes before it.",
    query=LiveQuery,
    answers=[ResponseDoc(101, "The connection speaks WebSocket from here on.")],
    errors=[
        ErrorCode.UNKNOWN_BOARD,
        ErrorCode.NO_SEASON,
        ErrorCode.TOKEN_MISSING,
        ErrorCode.TOKEN_INVALID,
        ErrorCode.TOKEN_REVOKED,
        ErrorCode.ORIGIN_NOT_ALLOWED,
        ErrorCode.UPGRADE_REQUIRED,
        ErrorCode.RATE_LIMITED,
        ErrorCode.TOO_MANY_CONNECTIONS,
        ErrorCode.DEPENDENCY_UNAVAILABLE,
        ErrorCode.REBUILDING,
        ErrorCode.OUTCOME_UNKNOWN,
    ],
)
@public
def _hand_over(ws: Server) -> None:
    """Hand the socket over to the hub after the handshake; this request ends then."""
    live().hub.adopt(cast(socket, ws.sock), g.slot, g.since)
    ws.connected = False  # so that flask-sock's own close does nothing
    if g.slot.ticket:
        live().feed.expect_follower(g.slot.group)


def _admit() -> None:
    """Admit a viewer or refuse the request, before the handshake."""
    if request.path.rstrip("/") != PATH:  # as Flask's router compares
        return
    if COUNTED_BY_ADDRESS not in request.environ:
        limits.count_handshake()
    _check_handshake()
    _check_origin()
    query = query_as(LiveQuery)
    boards = services().catalogue.current().boards
    board = board_for_ticket(boards, query.board, None) if query.ticket is None else boards.get(query.board)
    if board is None:
        raise unknown(query.board)
    period = board_pages.watched_period(query, board, datetime.now(UTC))
    g.since = query.since
    g.slot = live().hub.reserve(client_address())
    g.slot.ticket = _ticket(query.ticket)
    board_for_ticket(boards, query.board, g.slot.ticket)
    live().prepare(g.slot, query, period, board.visibility)
    _redeem(query.ticket)
    _reduce_to_handshake(request.environ)


def _ticket(token: str | None) -> Ticket | None:
    """Redeem the viewer's ticket, if there is one. Raises `token_missing`, `token_invalid` or `token_revoked`."""
    if token is None:
        if services().settings.live_auth == "required":
            raise ScoreboardError(ErrorCode.TOKEN_MISSING, "A ticket is needed: POST /api/auth/ticket.")
        return None
    ticket = tickets.find(services().redis, token)
    if ticket is None:
        raise _invalid_ticket()
    if not services().revocations.is_live(ticket.session_id, ticket.user_id):
        raise ScoreboardError(ErrorCode.TOKEN_REVOKED)
    return ticket


def _redeem(token: str | None) -> None:
    """Use the ticket up, now that nothing can refuse its viewer. Raises `token_invalid` if another was quicker."""
    if token is None:
        return
    with deadlines.effect("The ticket may be used up; ask for a new one."):
        ticket = tickets.redeem(services().redis, token)
    if ticket is None:
        raise _invalid_ticket()


def _invalid_ticket() -> ScoreboardError:
    return ScoreboardError(ErrorCode.TOKEN_INVALID, "This ticket is not valid: unknown, used or expired.")


def _release_slot(_error: BaseException | None) -> None:
    """Release the slot of a request, however it ended, unless a viewer took it."""
    slot = g.pop("slot", None)
    if slot:
        live().hub.release(slot)


def _log_as_switched(response: Response) -> Response:
    """Log status 101, because flask-sock's response stands for a handshake that was sent long ago."""
    if "slot" in g and g.slot.is_resolved:
        response.status_code = 101
    return response


def _reduce_to_handshake(environ: WSGIEnvironment) -> None:
    """Remove header fields that were not checked, because wsproto raises an exception, and so a 500, for odd ones.

    Without Sec-WebSocket-Extensions no compression is agreed on, which would cost 96 KiB for each viewer.
    """
    for name in [name for name in environ if name.startswith("HTTP_") and name != "HTTP_SEC_WEBSOCKET_KEY"]:
        del environ[name]
    environ.update(
        HTTP_HOST="scoreboard",
        HTTP_CONNECTION="Upgrade",
        HTTP_UPGRADE="websocket",
        HTTP_SEC_WEBSOCKET_VERSION=handshake.VERSION,
    )


def _check_handshake() -> None:
    """Refuse a handshake that does not follow RFC 6455, section 4.2.1."""
    if request.method != "GET":
        raise MethodNotAllowed(["GET"])
    if not handshake.asks_to_switch(request.environ):
        raise ScoreboardError(ErrorCode.UPGRADE_REQUIRED)
    if not handshake.has_key(request.environ):
        raise invalid_field("Sec-WebSocket-Key", "must be 16 bytes in base64")


def _check_origin() -> None:
    """Refuse a page of another origin that is not allowed. A request without an Origin is not from a browser."""
    origin = request.headers.get("Origin")
    own = (f"http://{request.host}".lower(), f"https://{request.host}".lower())
    if origin is not None and origin.lower() not in own and origin not in services().settings.further_origins:
        raise ScoreboardError(ErrorCode.ORIGIN_NOT_ALLOWED)
