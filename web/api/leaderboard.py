"""The views that read: pages of a board, and one player's place on it."""

from flask import Blueprint, Response, jsonify, request

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import BoardQuery, LeaderboardQuery
from common.contract.responses import LeaderboardPage, PlayerPlace
from common.domain.entries import Place
from common.domain.shown import Viewer
from web import board_pages
from web.api.boards import asked_period, parsed_user_id
from web.api.parsing import query_as
from web.guards import access
from web.guards.access import public
from web.reference.documented import ResponseDoc, documented
from web.revalidation import is_current, private, revalidated
from web.services import services

blueprint = Blueprint("leaderboard", __name__, url_prefix="/api/scores")


@blueprint.get("/leaderboard")
@documented(
    "readLeaderboard",
    "Read a page of a board",
    description="A cursor names a place in the order: nobody is skipped or shown twice because others move. It is "
    "refused once its period is over. `around` centres on a player by the id on the board; of one who is not ranked "
    "the list is empty. An admin's access token shows who everybody is.",
    query=LeaderboardQuery,
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "Rows of one instant.", LeaderboardPage, headers=["ETag", "Cache-Control"]),
        ResponseDoc(304, "The board has not moved.", headers=["ETag", "Cache-Control"]),
    ],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.INVALID_CURSOR, ErrorCode.REBUILDING],
)
@public
def leaderboard() -> Response:
    query = query_as(LeaderboardQuery)
    period = asked_period(query)
    secret_keys = services().settings.secret_keys
    which = board_pages.selection_of(query, period, secret_keys)
    viewer = access.viewer()
    page = services().leaderboard.page(query.board, period.id, query.limit, which, viewer)
    if viewer is Viewer.INSIDER:
        told = private(jsonify(board_pages.body_of(page, query, period, which, secret_keys)))
        told.set_etag(f"{page.rows.version}-insider")
        return told
    if is_current(page.rows.version):
        return revalidated(Response(), page.rows.version)
    return revalidated(jsonify(board_pages.body_of(page, query, period, which, secret_keys)), page.rows.version)


@blueprint.get("/user/<user_id>")
@documented(
    "readPlayer",
    "Read where a player stands",
    description="A known user who has not scored has 0 points, no rank and no instant. A player who is not named is "
    "found by nobody but themselves and admins, with an access token.",
    query=BoardQuery,
    answers=[ResponseDoc(200, "The player's place.", PlayerPlace)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.NOT_FOUND, ErrorCode.REBUILDING],
)
@public
def user(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    query = query_as(BoardQuery)
    place = _place(query, asked_period(query).id, user_id)
    if place is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    told = jsonify(board_pages.body_of_place(place))
    return private(told) if "Authorization" in request.headers else told


def _place(query: BoardQuery, period_id: str, user_id: str) -> Place | None:
    """Return the place of a player as whoever asks may see it, who may be the player."""
    if access.is_caller(user_id):
        return services().leaderboard.own_place(query.board, period_id, user_id)
    return services().leaderboard.place(query.board, period_id, user_id, access.viewer())
