"""The views that read: pages of a board, and one player's place on it."""

from flask import Blueprint, Response, jsonify, request

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.requests import BoardQuery, LeaderboardQuery
from common.contract.responses import LeaderboardPage, PlayerPlace
from common.core.timestamps import format_instant
from common.domain import cursors, pagination
from common.domain.pagination import Page, Position, Selection
from common.domain.periods import Period
from common.domain.ranking import percentile
from web.api.boards import asked_period, parsed_user_id
from web.api.parsing import query_as
from web.guards.access import public
from web.reference.documented import ResponseDoc, documented
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
@public
def leaderboard() -> Response:
    query = query_as(LeaderboardQuery)
    period = asked_period(query)
    which = _selection(query, period)
    page = services().leaderboard.page(query.board, period.id, query.limit, which)
    body: LeaderboardPage = {
        "board": query.board,
        "period": period.id,
        "periodEndsAt": format_instant(period.ends_at) if period.ends_at else None,
        "entries": [entry.to_wire() for entry in page.rows.entries],
        "total": page.rows.total,
        "nextCursor": _cursor(query, period, page.next(which)),
        "previousCursor": _cursor(query, period, page.previous(which)),
        "version": page.rows.version,
    }
    if query.around is not None:
        body["found"] = page.found
    return _revalidated(jsonify(body), page)


@blueprint.get("/user/<user_id>")
@documented(
    "readPlayer",
    "Read where a player stands",
    description="A known user who has not scored has 0 points, no rank and no instant.",
    query=BoardQuery,
    answers=[ResponseDoc(200, "The player's place.", PlayerPlace)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.NOT_FOUND, ErrorCode.REBUILDING],
)
@public
def user(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    query = query_as(BoardQuery)
    place = services().leaderboard.place(query.board, asked_period(query).id, user_id)
    if place is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    share = percentile(place.entry.rank, place.total) if place.entry else None
    body: PlayerPlace = {**place.to_wire(), "total": place.total, "percentile": share}
    return jsonify(body)


def _selection(query: LeaderboardQuery, period: Period) -> Selection:
    """Return the rows that a query asks for. Raises `invalid_cursor` for one of another board, period or service."""
    if query.around is not None:
        if query.cursor is not None:
            raise invalid_field("around", "goes with no cursor")
        return pagination.around(query.around.lower())
    if query.cursor is None:
        return pagination.FIRST
    direction, score, tie = cursors.decode(services().settings.secret_keys, _scope(query, period), query.cursor)
    position = Position(int(score), int(tie))
    return pagination.after(position) if direction == "after" else pagination.before(position)


def _cursor(query: LeaderboardQuery, period: Period, which: Selection | None) -> str | None:
    if which is None:
        return None
    return cursors.encode(services().settings.secret_keys[0], _scope(query, period), [which.kind, *which.position])


def _scope(query: LeaderboardQuery, period: Period) -> str:
    """Return the scope of a cursor, with the period's id, so that it is refused once the period has rolled over."""
    return f"leaderboard {query.board} {period.id}"


def _revalidated(response: Response, page: Page) -> Response:
    """Let caches keep the response and revalidate it, with 304 as long as the board has not changed."""
    response.set_etag(page.rows.version)
    response.cache_control.public = True
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response
