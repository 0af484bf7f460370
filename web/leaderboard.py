"""Reading: the head of a board, and one player's place on it."""

from flask import Blueprint, Response, jsonify

from common.entries import entry_on_the_wire
from common.errors import ErrorCode, ScoreboardError
from common.ranking import percentile
from common.schemas import BoardQuery, LeaderboardQuery
from common.timestamps import format_instant
from web.access import public
from web.boards import asked_period, parsed_user_id
from web.parsing import query_as
from web.services import services

blueprint = Blueprint("leaderboard", __name__, url_prefix="/api/scores")


@blueprint.get("/leaderboard")
@public
def leaderboard() -> Response:
    query = query_as(LeaderboardQuery)
    period = asked_period(query)
    top = services().leaderboard.top(query.board, period.id, query.limit)
    return jsonify(
        board=query.board,
        period=period.id,
        periodEndsAt=format_instant(period.ends_at) if period.ends_at else None,
        entries=[entry.to_wire() for entry in top.entries],
        total=top.total,
        version=top.version,
    )


@blueprint.get("/user/<user_id>")
@public
def user(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    query = query_as(BoardQuery)
    place = services().leaderboard.place(query.board, asked_period(query).id, user_id)
    if place is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    if place.entry is None:
        return jsonify(**entry_on_the_wire(user_id, place.username, 0, None, None), total=place.total, percentile=None)
    return jsonify(**place.entry.to_wire(), total=place.total, percentile=percentile(place.entry.rank, place.total))
