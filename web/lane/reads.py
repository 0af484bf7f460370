"""The lane of reads: a page of a board as ready bytes, for as long as the board has not moved.

One script counts the request against the limit of its address and tells the version of the board, so what is kept is
never shown once it is old, and whoever has read their own update in another process reads it here too.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import NamedTuple

from common.contract.requests import LeaderboardQuery
from common.domain.entries import version_of
from common.redis_store.keys import BoardKeys
from common.services.single_flight import SingleFlight
from web import board_pages
from web.guards.limit_keys import CountedLimit
from web.json_body import dump
from web.lane.message import LaneReply, LaneRequest
from web.lane.queries import UNQUOTED, query_parser
from web.pipelined.script import BareScript
from web.revalidation import CACHE_CONTROL, has
from web.services import Services

PATH = "/api/scores/leaderboard"

MOST_PAGES = 500
"""The number of pages that a process keeps: at most 10 MB, of 100 rows each."""

_JSON = ("Content-Type", "application/json")
_KEEP = ("Cache-Control", CACHE_CONTROL)

_parsed = query_parser(LeaderboardQuery, UNQUOTED)


class _Version(NamedTuple):
    epoch: str
    seq: int

    def is_at_least(self, other: "_Version") -> bool:
        return self.epoch == other.epoch and self.seq >= other.seq


class _Made(NamedTuple):
    version: _Version
    body: bytes


class Pages:
    """Bodies by what was asked for, each with the version of the board that it shows; the oldest are forgotten."""

    def __init__(self, most: int = MOST_PAGES) -> None:
        self._most = most
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()
        self._making = SingleFlight[_Made]()

    def get(self, key: Hashable, version: _Version, make: Callable[[], _Made]) -> _Made:
        """Return a body that shows this version or a later one. One caller makes it, those who come meanwhile wait."""
        made = self._made.get(key)
        if made and made.version.is_at_least(version):
            return made
        made = self._making.get(key, make)  # begun after this version was seen
        self._keep(key, made)
        return made

    def _keep(self, key: Hashable, made: _Made) -> None:
        kept = self._made.get(key)
        if kept is None or not kept.version.is_at_least(made.version):
            self._made[key] = made
        self._made.move_to_end(key)
        while len(self._made) > self._most:
            self._made.popitem(last=False)


class ReadLane:
    """Reads pages of boards ahead of Flask, with the services of the application."""

    def __init__(self, services: Services, by_address: CountedLimit) -> None:
        self._services = services
        self._by_address = by_address
        self._script = BareScript(services.redis_clients.call_script, "count_read")
        self._pages = Pages()

    def answer(self, request: LaneRequest) -> LaneReply | None:
        """Return the page that a request asks for, or None if the view has to look at it.

        Raises ScoreboardError and the errors of servers that are away: the view then gives the answer to them.
        """
        query = _parsed(request.query)
        if (
            query is None
            or query.at
            or query.movement
            or self._services.identities.is_of_admin(request.header("HTTP_AUTHORIZATION"))
        ):
            return None
        secret_keys = self._services.settings.secret_keys
        board = self._services.catalogue.current().public_board(query.board)
        if board is None:
            return None
        period = board_pages.period_of(query, board, datetime.now(UTC))
        which = board_pages.selection_of(query, period, secret_keys)
        version = self._count(request, BoardKeys(query.board, period.id))
        if version is None:
            return None
        request.mark_counted()

        def make() -> _Made:
            page = self._services.leaderboard.page(query.board, period.id, query.limit, which)
            shown = _Version(page.rows.epoch, page.rows.seq)
            return _Made(shown, dump(board_pages.body_of(page, query, period, which, secret_keys)))

        return _reply(request, self._pages.get((period.id, query), version, make))

    def _count(self, request: LaneRequest, board: BoardKeys) -> _Version | None:
        """Count the request and return the version of the board; None, and nothing counted, if it is not served."""
        limit = self._by_address
        counted = self._script(
            5,
            *limit.keys_of(request.address),
            board.scores,
            board.members,
            board.meta,
            str(limit.amount),
            str(limit.seconds * 1000),
        )
        return _Version(counted[0].decode(), int(counted[1])) if counted else None


def _reply(request: LaneRequest, made: _Made) -> LaneReply:
    tag = version_of(*made.version)
    headers = (("ETag", f'"{tag}"'), _KEEP)
    if has(request.header("HTTP_IF_NONE_MATCH"), tag):
        return LaneReply(304, PATH, headers, b"")
    return LaneReply(200, PATH, (_JSON, *headers), made.body)
