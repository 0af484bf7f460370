"""The views of the past of players: their days on a board, their final places, and the race of those who lead."""

from datetime import UTC, date, datetime

from flask import Blueprint, Response, jsonify

from common.contract.board_responses import (
    DayOfPlayer,
    Placements,
    PlayerHistory,
    Race,
    RaceSeries,
)
from common.contract.board_responses import Placement as PlacementOnTheWire
from common.contract.constants import ALL_TIME
from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.requests import HistoryQuery, PlacementsQuery, RaceQuery
from common.core.timestamps import format_instant
from common.domain.shown import Viewer
from common.postgres import day_marks, placements
from common.postgres.day_marks import DayMark
from common.postgres.placements import Before, Placement
from common.services.races import Runner
from web import board_pages
from web.api import seen_players
from web.api.boards import asked, parsed_user_id
from web.api.paging import paged, position_in
from web.api.parsing import query_as
from web.guards import access, limits
from web.guards.access import by_visibility
from web.guards.board_access import board_for_caller, boards_for_caller
from web.reference.documented import ResponseDoc, documented
from web.revalidation import by_content, private_if_asked_by_name
from web.services import services

MOST_DAYS = 366

blueprint = Blueprint("past", __name__, url_prefix="/api/scores")


@blueprint.get("/user/<user_id>/history")
@documented(
    "readPlayerHistory",
    "Read a player's days on a board",
    description="Where the player stood on the board of all time when a day (UTC) was over, for each day on which "
    "they were active on the board; and where they stand now. At most 366 days at once. A player who is not named is "
    "found by nobody but themselves, admins, and API keys of the scope `read`.",
    query=HistoryQuery,
    answers=[ResponseDoc(200, "The days, the oldest first.", PlayerHistory)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.NOT_FOUND, ErrorCode.NO_HISTORY, ErrorCode.REBUILDING],
)
@by_visibility
@limits.per_api_key
def history(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    query = query_as(HistoryQuery)
    first, last = _span(query, datetime.now(UTC).date())
    board = board_for_caller(services().catalogue.current().boards, query.board)
    if not day_marks.has_marks(board):
        raise ScoreboardError(ErrorCode.NO_HISTORY)
    place = seen_players.place(board.id, ALL_TIME, user_id)
    with services().engine.connect() as connection:
        marks = day_marks.of_player(connection, user_id, board.id, first, last)
    body: PlayerHistory = {
        "board": board.id,
        "points": [_day(mark) for mark in marks],
        "now": board_pages.body_of_place(place),
    }
    return private_if_asked_by_name(jsonify(body))


@blueprint.get("/user/<user_id>/placements")
@documented(
    "listPlayerPlacements",
    "List a player's final places",
    description="The player's place in each period that is over, on one board or on all that the caller may see. A "
    "period is ranked moments after its end. A player who is "
    "not named is found by nobody but themselves, admins, and API keys of the scope `read`.",
    query=PlacementsQuery,
    answers=[ResponseDoc(200, "Final places, those of the newest periods first.", Placements)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.INVALID_CURSOR, ErrorCode.NOT_FOUND],
)
@by_visibility
@limits.per_api_key
def list_placements(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    query = query_as(PlacementsQuery)
    boards = services().catalogue.current().boards
    seen = [board_for_caller(boards, query.board)] if query.board else boards_for_caller(boards, None)
    scope = f"placements {user_id} {query.board or ''}"
    position = position_in(query.cursor, scope)
    before = Before(datetime.fromisoformat(str(position[0])), *map(str, position[1:])) if position else None
    seen_players.require(user_id)
    with services().engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        page = placements.page(connection, user_id, [board.id for board in seen], query.limit + 1, before)
    shown, next_cursor = paged(
        page, query.limit, scope, lambda last: [last.closed_at.isoformat(), last.board_id, last.period_id]
    )
    body: Placements = {"placements": [_placement(each) for each in shown], "nextCursor": next_cursor}
    return private_if_asked_by_name(jsonify(body))


@blueprint.get("/race")
@documented(
    "readRace",
    "Read the race of those who lead a board",
    description="The ways of those who lead the board now, from the stored snapshots of the period, up to their "
    "scores of now: for a chart. The points of all players are of the same instants. A player has none of a snapshot "
    "in which they were not among the first 100.",
    query=RaceQuery,
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "The ways, that of the leader first.", Race, headers=["ETag", "Cache-Control"]),
        ResponseDoc(304, "Nothing has changed.", headers=["ETag", "Cache-Control"]),
    ],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.NO_SEASON, ErrorCode.REBUILDING],
)
@by_visibility
@limits.per_api_key
def race() -> Response:
    query = query_as(RaceQuery)
    is_about = asked(query)
    viewer = access.viewer()
    runners = services().races.race(is_about.board.id, is_about.period.id, query.n, query.points, viewer)
    body: Race = {
        "board": is_about.board.id,
        "period": is_about.period.id,
        "series": [_series(runner) for runner in runners],
    }
    return by_content(jsonify(body), is_private=is_about.is_private, is_kept=viewer is not Viewer.INSIDER)


def _span(query: HistoryQuery, today: date) -> tuple[date, date]:
    """Return the first and the last day that a query asks for. Raises `validation_failed`."""
    last = query.until or today
    first = query.since or date.fromordinal(max(1, last.toordinal() - MOST_DAYS + 1))
    if first > last:
        raise invalid_field("from", "must not be after to")
    if (last - first).days >= MOST_DAYS:
        raise invalid_field("from", f"must be at most {MOST_DAYS} days, to included, before to")
    return first, last


def _day(mark: DayMark) -> DayOfPlayer:
    return {"day": mark.day.isoformat(), "score": mark.score, "rank": mark.rank, "total": mark.total}


def _placement(placement: Placement) -> PlacementOnTheWire:
    told: PlacementOnTheWire = {
        "board": placement.board_id,
        "period": placement.period_id,
        "rank": placement.rank,
        "total": placement.total,
        "score": placement.score,
        "closedAt": format_instant(placement.closed_at),
    }
    if placement.second is not None:
        told["second"] = placement.second
    return told


def _series(runner: Runner) -> RaceSeries:
    entry = runner.entry.to_wire()
    told: RaceSeries = {
        "userId": entry["userId"],
        "username": entry["username"],
        "points": [{"at": format_instant(at), "score": score} for at, score in runner.points],
    }
    if "displayName" in entry:
        told["displayName"] = entry["displayName"]
    return told
