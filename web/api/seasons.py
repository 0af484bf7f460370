"""The views of seasons: which a board has, and those that plan, move, end and delete one."""

from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify
from pydantic.alias_generators import to_camel

from common.contract.catalogue import DeleteSeasonRequest, EndSeasonRequest, SeasonSpec
from common.contract.catalogue_responses import DeletedSeason, SeasonDescription, SeasonList
from common.contract.errors import SENTENCES, ErrorCode, ScoreboardError
from common.domain import season_plan
from common.domain.boards import Board, Visibility
from common.domain.catalogue_plan import Place, Plan, Stored
from common.domain.catalogue_wire import season_to_wire
from common.domain.seasons import Season
from common.postgres import audit, catalogue_changes
from web.api.catalogue import caller, changing, write_plan
from web.api.parsing import body_as
from web.guards import board_access, limits
from web.guards.access import by_visibility, manager
from web.reference.documented import ResponseDoc, documented
from web.revalidation import private
from web.services import services

blueprint = Blueprint("seasons", __name__, url_prefix="/api")

_AT = Place("", "seasonId", to_camel)


@blueprint.get("/boards/<board_id>/seasons")
@documented(
    "listSeasons",
    "List the seasons of a board",
    description="Those to come, the one that is open, and those that are over.",
    answers=[ResponseDoc(200, "Seasons, the newest first.", SeasonList)],
    errors=[ErrorCode.NOT_FOUND],
)
@by_visibility
@limits.per_api_key
def listing(board_id: str) -> Response:
    boards = services().catalogue.knowing(board_id).boards
    board = board_access.board_or_not_found(boards, board_id, SENTENCES[ErrorCode.UNKNOWN_BOARD])
    now = datetime.now(UTC)
    body: SeasonList = {"seasons": [season_to_wire(board.id, season, now) for season in reversed(board.seasons)]}
    told = jsonify(body)
    return told if board.visibility is Visibility.PUBLIC else private(told)


@blueprint.put("/admin/boards/<board_id>/seasons/<season_id>")
@documented(
    "putSeason",
    "Plan or move a season",
    description="It starts at least 6 seconds from now. Its begin may change until it has begun, its end until it is "
    "over, its title always. Two seasons of a board never overlap. A board gets the period `season` with its first.",
    body=SeasonSpec,
    answers=[
        ResponseDoc(200, "The season, changed or the same.", SeasonDescription),
        ResponseDoc(201, "The new season.", SeasonDescription),
    ],
    errors=[ErrorCode.NOT_FOUND, ErrorCode.SEASON_OVERLAPS, ErrorCode.SEASON_OVER],
)
@manager
@limits.per_api_key
def put_season(board_id: str, season_id: str) -> tuple[Response, int]:
    wanted = body_as(SeasonSpec)
    with changing(with_ledger=True) as (connection, stored):
        board = _board(stored, board_id)
        known = board.find_season(season_id)
        now = datetime.now(UTC)
        plan = Plan()
        season_plan.open_for_seasons(plan, board)
        season_plan.add_season(plan, _AT, board_id, season_id, wanted, known=known, now=now)
        season_plan.check_overlaps(plan, board_id, board.seasons, "startsAt")
        write_plan(connection, plan, "set_season", board_id)
    after = Season(season_id, wanted.starts_at, wanted.ends_at, wanted.title)
    return jsonify(season_to_wire(board_id, after, now)), 200 if known else 201


@blueprint.post("/admin/boards/<board_id>/seasons/<season_id>/end")
@documented(
    "endSeason",
    "End a season",
    description="What is accepted from then on does not count in it, and its final standings follow. Safe to repeat.",
    body=EndSeasonRequest,
    answers=[ResponseDoc(200, "The season.", SeasonDescription)],
    errors=[ErrorCode.NOT_FOUND, ErrorCode.NO_SEASON, ErrorCode.SEASON_OVERLAPS, ErrorCode.SEASON_OVER],
)
@manager
@limits.per_api_key
def end_season(board_id: str, season_id: str) -> Response:
    asked = body_as(EndSeasonRequest)
    with changing(with_ledger=True) as (connection, stored):
        board = _board(stored, board_id)
        known = board.find_season(season_id)
        if known is None:
            raise ScoreboardError(ErrorCode.NO_SEASON)
        now = datetime.now(UTC)
        after, plan = catalogue_changes.end_season(connection, board, known, asked.at, now)
        if plan.changes:
            told = {"changes": plan.described_changes(), "reason": asked.reason}
            audit.add(connection, caller(), "end_season", board_id, **told)
    return jsonify(season_to_wire(board_id, after, now))


@blueprint.post("/admin/boards/<board_id>/seasons/<season_id>/delete")
@documented(
    "deleteSeason",
    "Delete a planned season",
    description="Until 6 seconds before it begins. Safe to repeat.",
    body=DeleteSeasonRequest,
    answers=[ResponseDoc(200, "The board has no such season.", DeletedSeason)],
    errors=[ErrorCode.NOT_FOUND, ErrorCode.SEASON_BEGUN],
)
@manager
@limits.per_api_key
def delete_season(board_id: str, season_id: str) -> Response:
    asked = body_as(DeleteSeasonRequest)
    with changing() as (connection, stored):
        board = _board(stored, board_id)
        plan = catalogue_changes.delete_season(connection, board, season_id, datetime.now(UTC))
        if plan.changes:
            told = {"changes": plan.described_changes(), "reason": asked.reason}
            audit.add(connection, caller(), "delete_season", board_id, **told)
    body: DeletedSeason = {"board": board_id, "seasonId": season_id, "deleted": bool(plan.changes)}
    return jsonify(body)


def _board(stored: Stored, board_id: str) -> Board:
    if board_id not in stored.boards:
        raise ScoreboardError(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.UNKNOWN_BOARD])
    return stored.boards[board_id]
