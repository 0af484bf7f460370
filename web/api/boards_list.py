"""The views of boards themselves: what there is, and what one of them is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b

from flask import Blueprint, Response, jsonify

from common.contract.catalogue_responses import BoardDescription, BoardPage
from common.contract.errors import SENTENCES, ErrorCode
from common.contract.requests import BoardsQuery
from common.domain.boards import Board, Visibility, listed, place_of
from common.domain.catalogue_wire import board_to_wire
from web.api.paging import paged, position_in
from web.api.parsing import query_as
from web.guards import board_access, limits
from web.guards.access import by_visibility, public
from web.reference.documented import ResponseDoc, documented
from web.revalidation import revalidated
from web.services import services

blueprint = Blueprint("boards", __name__, url_prefix="/api/boards")

_SCOPE = "boards"


@blueprint.get("")
@documented(
    "listBoards",
    "List the boards",
    description="Neither archived nor hidden ones.",
    query=BoardsQuery,
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "Boards, by category, position and id.", BoardPage, headers=["ETag", "Cache-Control"]),
        ResponseDoc(304, "The list is the same.", headers=["ETag", "Cache-Control"]),
    ],
    errors=[ErrorCode.INVALID_CURSOR],
)
@public
def listing() -> Response:
    query = query_as(BoardsQuery)
    now = datetime.now(UTC)
    shown = [
        board
        for board in listed(services().catalogue.current().boards.values(), now)
        if query.category in (None, board.category) and query.state in (None, board.state_at(now))
    ]
    body = page_of(shown, f"{_SCOPE} {query.category or ''} {query.state or ''}", query.cursor, query.limit, now)
    return _revalidated(jsonify(body))


@blueprint.get("/<board_id>")
@documented(
    "readBoard",
    "Read what a board is",
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "The board.", BoardDescription, headers=["ETag", "Cache-Control"]),
        ResponseDoc(304, "It is the same.", headers=["ETag", "Cache-Control"]),
    ],
    errors=[ErrorCode.NOT_FOUND],
)
@by_visibility
@limits.per_api_key
def one(board_id: str) -> Response:
    boards = services().catalogue.knowing(board_id).boards
    board = board_access.board_or_not_found(boards, board_id, SENTENCES[ErrorCode.UNKNOWN_BOARD])
    answer = jsonify(board_to_wire(board, datetime.now(UTC)))
    return _revalidated(answer, is_private=board.visibility is not Visibility.PUBLIC)


def page_of(boards: Sequence[Board], scope: str, cursor: str | None, limit: int, now: datetime) -> BoardPage:
    """Return a page of boards that are in the order of lists. Raises `invalid_cursor` for one of another scope."""
    after = position_in(cursor, scope)
    if after is not None:
        boards = [board for board in boards if place_of(board) > tuple(after)]
    page, next_cursor = paged(boards, limit, scope, lambda board: list(place_of(board)))
    return {"boards": [board_to_wire(board, now) for board in page], "nextCursor": next_cursor}


def _revalidated(answer: Response, *, is_private: bool = False) -> Response:
    """Name the answer by its content, which changes with the catalogue, at midnight, and with states."""
    return revalidated(answer, blake2b(answer.get_data(), digest_size=12).hexdigest(), is_private=is_private)
