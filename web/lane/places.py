"""The lane of places: where a ranked player stands, as one script tells it that also counts the request.

It is left to the view to say what Redis cannot: whether a player who is not ranked exists, and what their name is.
"""

from datetime import UTC, datetime

from common.contract.fields import is_uuid
from common.contract.requests import BoardQuery
from common.domain.entries import Place
from common.redis_store import keys
from common.redis_store.board import details_in, place_of
from common.redis_store.keys import BoardKeys
from common.services.leaderboard import count_named_place
from web import board_pages
from web.guards.limit_keys import CountedLimit
from web.json_body import dump
from web.lane.message import LaneReply, LaneRequest
from web.lane.queries import UNQUOTED, query_parser
from web.pipelined.script import BareScript
from web.services import Services

FOLDER = "/api/scores/user/"
"""What stands before the user id in a path."""

_ROUTE = f"{FOLDER}<user_id>"
_HEADERS = (("Content-Type", "application/json"),)

_parsed = query_parser(BoardQuery, UNQUOTED)


class PlaceLane:
    """Reads players' places ahead of Flask, with the services of the application."""

    def __init__(self, services: Services, by_address: CountedLimit) -> None:
        self._services = services
        self._by_address = by_address
        self._script = BareScript(services.redis_clients.call_script, "count_place")

    def answer(self, request: LaneRequest) -> LaneReply | None:
        """Return the place that a request asks for, or None if the view has to look at it.

        Raises ScoreboardError and the errors of servers that are away: the view then gives the answer to them.
        """
        user_id = request.path.removeprefix(FOLDER).lower()
        query = _parsed(request.query) if is_uuid(user_id) else None
        if query is None or request.header("HTTP_AUTHORIZATION"):  # who asks may be the player, or an admin
            return None
        board = self._services.catalogue.current().public_board(query.board)
        if board is None:
            return None
        period = board_pages.period_of(query, board, datetime.now(UTC))
        place = self._count(request.address, BoardKeys(query.board, period.id), user_id)
        if place is None:
            return None
        request.mark_counted()
        count_named_place()
        return LaneReply(200, _ROUTE, _HEADERS, dump(board_pages.body_of_place(place)))

    def _count(self, address: str, board: BoardKeys, user_id: str) -> Place | None:
        """Count the request and return the place; None, and nothing counted, if Redis does not know all of it."""
        limit = self._by_address
        told = self._script(
            6,
            *limit.keys_of(address),
            board.scores,
            board.members,
            board.meta,
            keys.user_details(user_id),
            str(limit.amount),
            str(limit.seconds * 1000),
            user_id,
        )
        if not told:
            return None
        total, cached, score, info, rank = told
        details = details_in([cell.decode() for cell in cached])
        return place_of(user_id, total, details, (score, info.decode(), rank))
