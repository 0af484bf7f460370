"""The views that read: pages of a board, and one player's place on it."""

from flask import Blueprint, Response, jsonify

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import BoardQuery, LeaderboardQuery
from common.contract.responses import LeaderboardPage, PlayerPlace
from common.domain.ranking import percentile
from web import board_pages
from web.api.boards import asked, asked_period, parsed_user_id
from web.api.parsing import query_as
from web.guards.access import by_visibility
from web.reference.documented import ResponseDoc, documented
from web.revalidation import is_current, revalidated
from web.services import services

blueprint = Blueprint("leaderboard", __name__, url_prefix="/api/scores")


@blueprint.get("/leaderboard")
@documented(
    "readLeaderboard",
    "Read a page of a board",
    description="A cursor names a place in the order: nobody is skipped or shown twice because others move. It is "
    "refused once its period is over. `around` centres on a player; of one who is not ranked the list is empty.",
    query=LeaderboardQuery,
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "Rows of one instant.", LeaderboardPage, headers=["ETag", "Cache-Control"]),
        ResponseDoc(304, "The board has not moved.", headers=["ETag", "Cache-Control"]),
    ],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.INVALID_CURSOR, ErrorCode.REBUILDING],
)
@by_visibility
def leaderboard() -> Response:
    query = query_as(LeaderboardQuery)
    board, period = is_about = asked(query)
    secret_keys = services().settings.secret_keys
    which = board_pages.selection_of(query, period, secret_keys)
    page = services().leaderboard.page(board.id, period.id, query.limit, which)
    is_known = is_current(page.rows.version)
    answer = Response() if is_known else jsonify(board_pages.body_of(page, query, period, which, secret_keys))
    return revalidated(answer, page.rows.version, is_private=is_about.is_private)


@blueprint.get("/user/<user_id>")
@documented(
    "readPlayer",
    "Read where a player stands",
    description="A known user who has not scored has 0 points, no rank and no instant.",
    query=BoardQuery,
    answers=[ResponseDoc(200, "The player's place.", PlayerPlace)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.NOT_FOUND, ErrorCode.REBUILDING],
)
@by_visibility
def user(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    query = query_as(BoardQuery)
    place = services().leaderboard.place(query.board, asked_period(query).id, user_id)
    if place is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    share = percentile(place.entry.rank, place.total) if place.entry else None
    body: PlayerPlace = {**place.to_wire(), "total": place.total, "percentile": share}
    return jsonify(body)
