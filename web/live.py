"""`WS /ws/scoreboard`: who may open it, decided in plain HTTP before the handshake; then the hub has the socket."""

import base64
import binascii
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from flask_sock import Sock
from simple_websocket import Server

from common import redis
from common.errors import ErrorCode, ScoreboardError, invalid_field
from common.schemas import LiveQuery
from web.access import public
from web.boards import asked_period
from web.hub.feed import Feed
from web.hub.group import Watch
from web.hub.hub import Hub, Slot
from web.limits import client_address
from web.parsing import query_as
from web.services import Services, services

PATH = "/ws/scoreboard"
LONGEST_MESSAGE_BYTES = 1024
_WEBSOCKET_VERSION = "13"
_KEY_BYTES = 16


class _NoThread:
    """What simple-websocket starts instead of its reader thread: nothing, since the hub reads."""

    def __init__(self, target: Callable[[], None] | None = None) -> None:
        del target
        self.name = ""

    def start(self) -> None:
        """Start nothing."""


class Live:
    """The hub of this process and what feeds it."""

    def __init__(self, adapters: Services) -> None:
        settings = adapters.settings
        self.hub = Hub(most=settings.live_max, most_per_address=settings.live_per_ip)
        self.feed = Feed(self.hub, adapters.leaderboard, redis.connect_to_listen(settings.redis_url))

    def admit(self) -> Slot:
        """A place for the viewer who asks, or the reason why not, with nothing shaken yet."""
        _check_handshake()
        _check_origin()
        query = query_as(LiveQuery)
        if query.ticket is not None:
            raise ScoreboardError(ErrorCode.TOKEN_INVALID, "This ticket is not valid.")
        period = asked_period(query)
        watch = Watch(query.board, query.period, query.limit)
        g.since = query.since
        top = services().leaderboard.top(query.board, period.id, query.limit)
        self.feed.start()
        return self.hub.admit(watch, client_address(), period.id, top)


def live() -> Live:
    """The live part of the application that handles this request."""
    found: Live = current_app.extensions["live"]
    return found


def init_app(app: Flask, adapters: Services) -> None:
    app.extensions["live"] = Live(adapters)
    app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": _NoThread, "max_message_size": LONGEST_MESSAGE_BYTES}
    app.before_request(_admit)
    app.teardown_request(_give_back)
    Sock(app).route(PATH)(public(_hand_over))


def _hand_over(ws: Server) -> None:
    """The handshake is done: the hub takes the socket, and this request ends."""
    live().hub.adopt(ws, g.slot, g.since)


def _admit() -> None:
    if request.path == PATH:
        g.slot = live().admit()
        # Compression would cost 96 KiB for each viewer; without this header it is not agreed on.
        request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)


def _give_back(_error: BaseException | None) -> None:
    slot = g.pop("slot", None)
    if slot:
        live().hub.give_back(slot)


def _check_handshake() -> None:
    """RFC 6455 section 4.2.1; wsproto would answer a mistake with an exception, and so a 500."""
    upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
    connection = [token.strip().lower() for token in request.headers.get("Connection", "").split(",")]
    version = request.headers.get("Sec-WebSocket-Version")
    if not upgrade or "upgrade" not in connection or version != _WEBSOCKET_VERSION:
        raise ScoreboardError(ErrorCode.UPGRADE_REQUIRED, "This address speaks WebSocket, version 13.")
    try:
        key = base64.b64decode(request.headers.get("Sec-WebSocket-Key", ""), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise invalid_field("Sec-WebSocket-Key", "must be 16 bytes in base64")


def _check_origin() -> None:
    """A browser says which page asks: one of ours or of an allowed origin. Without an Origin it is no browser."""
    origin = request.headers.get("Origin")
    if origin is None or origin in services().settings.live_origins:
        return
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != request.host.lower():
        raise ScoreboardError(ErrorCode.ORIGIN_NOT_ALLOWED, "Pages of this origin may not open the live socket.")
