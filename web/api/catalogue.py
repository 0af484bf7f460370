"""The views that change boards and actions: for admins and API keys of the scope `manage`.

So is the view of every board.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection

from common.contract.catalogue import ApplyRequest, MomentRequest, PutAction, PutBoard
from common.contract.catalogue_responses import (
    ActionDescription,
    BoardDescription,
    BoardPage,
    CatalogueChanges,
)
from common.contract.errors import SENTENCES, ErrorCode, ScoreboardError, invalid_field
from common.contract.requests import EveryBoardQuery
from common.domain import board_moments, catalogue_file
from common.domain.board_moments import Moment
from common.domain.boards import place_of
from common.domain.catalogue_plan import Place, Plan, Stored, add_action, add_board, check_room
from common.domain.catalogue_wire import board_to_wire, described_action
from common.postgres import audit, catalogue, catalogue_changes
from common.postgres.audit import Actor
from web.api.boards_list import page_of
from web.api.parsing import body_as, query_as
from web.guards import limits
from web.guards.access import identity, manager
from web.guards.api_keys import api_key
from web.guards.scopes import is_by_api_key
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("catalogue", __name__, url_prefix="/api/admin")

_BOARD, _ACTION = Place("", "boardId", to_camel), Place("", "actionId", to_camel)
_OF_MOMENTS = (ErrorCode.NOT_FOUND, ErrorCode.BOARD_IMMUTABLE)


@blueprint.get("/boards")
@documented(
    "listEveryBoard",
    "List every board",
    description="Also hidden and archived ones, as PostgreSQL has them at this moment.",
    query=EveryBoardQuery,
    answers=[ResponseDoc(200, "Boards, by category, position and id.", BoardPage)],
    errors=[ErrorCode.INVALID_CURSOR],
)
@manager
@limits.per_api_key
def every_board() -> Response:
    query = query_as(EveryBoardQuery)
    now = datetime.now(UTC)
    with services().engine.connect() as connection:
        boards = sorted(catalogue.list_boards(connection), key=place_of)
    shown = [board for board in boards if query.state in (None, board.state_at(now))]
    return jsonify(page_of(shown, f"every board {query.state or ''}", query.cursor, query.limit, now))


@blueprint.put("/boards/<board_id>")
@documented(
    "putBoard",
    "Make or change a board",
    description="A field that may change and is left out has its default; one that never changes may be left out, or "
    "must be equal. Every process follows within 5 seconds.",
    body=PutBoard,
    answers=[
        ResponseDoc(200, "The board, changed or the same.", BoardDescription),
        ResponseDoc(201, "The new board.", BoardDescription),
    ],
    errors=[ErrorCode.BOARD_IMMUTABLE, ErrorCode.CATALOGUE_CHANGED, ErrorCode.TOO_MANY],
)
@manager
@limits.per_api_key
def put_board(board_id: str) -> tuple[Response, int]:
    wanted = body_as(PutBoard)
    same_id("boardId", wanted.board_id, board_id)
    with changing() as (connection, stored):
        known = stored.boards.get(board_id)
        _check_revision(wanted.revision, known.revision if known else 0)
        plan = Plan()
        add_board(plan, _BOARD, board_id, wanted, known=known, now=datetime.now(UTC))
        check_room(plan, stored, services().settings.max_boards, "boardId")
        write_plan(connection, plan, "set_board", board_id)
    board = (*plan.new_boards, *plan.changed_boards, known)[0]
    if board is None:
        raise RuntimeError("a board that is neither known nor new")
    return jsonify(board_to_wire(board, datetime.now(UTC))), 201 if plan.new_boards else 200


@blueprint.put("/actions/<action_id>")
@documented(
    "putAction",
    "Make or change an action",
    description="A change is a new version. `points`, `value` and `boards` of a known action stay as they are if they "
    "are left out; every other field then has its default.",
    body=PutAction,
    answers=[
        ResponseDoc(200, "The action, changed or the same.", ActionDescription),
        ResponseDoc(201, "The new action.", ActionDescription),
    ],
    errors=[ErrorCode.UNKNOWN_BOARD],
)
@manager
@limits.per_api_key
def put_action(action_id: str) -> tuple[Response, int]:
    wanted = body_as(PutAction)
    same_id("actionId", wanted.action_id, action_id)
    with changing() as (connection, stored):
        known = stored.actions.get(action_id)
        plan = Plan()
        add_action(plan, _ACTION, action_id, wanted, known=known, board_ids=stored.boards)
        write_plan(connection, plan, "set_action", action_id)
    after = plan.actions[0] if plan.actions else known
    if after is None:
        raise RuntimeError("an action that is neither known nor new")
    return jsonify(described_action(after[0], enabled=after[1])), 200 if known else 201


@blueprint.post("/catalogue")
@documented(
    "applyCatalogue",
    "Apply a catalogue",
    description="The file of `scoreboard apply` as JSON: all of it is applied, or nothing. What it does not name is "
    "left alone. Up to 1 MiB.",
    body=ApplyRequest,
    answers=[ResponseDoc(200, "What it changes, or with `dryRun` would change.", CatalogueChanges)],
    errors=[
        ErrorCode.UNKNOWN_BOARD,
        ErrorCode.UNKNOWN_ACTION,
        ErrorCode.BOARD_IMMUTABLE,
        ErrorCode.ACHIEVEMENT_IMMUTABLE,
        ErrorCode.TOO_MANY,
        ErrorCode.SEASON_OVERLAPS,
        ErrorCode.SEASON_OVER,
    ],
)
@manager
@limits.per_api_key
def apply() -> Response:
    asked = body_as(ApplyRequest)
    parsed = catalogue_file.parse(asked.catalogue)
    with changing(with_ledger=bool(parsed.seasons)) as (connection, stored):
        plan = catalogue_file.plan(parsed, stored, datetime.now(UTC), services().settings.max_boards)
        if plan.problems:
            raise catalogue_file.refusal(plan.problems)
        if not asked.dry_run:
            write_plan(connection, plan, "apply_catalogue", "catalogue")
    body: CatalogueChanges = {"changes": plan.described_changes(), "applied": not asked.dry_run}
    return jsonify(body)


@blueprint.post("/boards/<board_id>/open")
@documented(
    "openBoard",
    "Open a board",
    description="Also one that is closed, and a planned closing is called off. What was refused meanwhile stays so. "
    "Safe to repeat.",
    body=MomentRequest,
    answers=[ResponseDoc(200, "The board.", BoardDescription)],
    errors=_OF_MOMENTS,
)
@manager
@limits.per_api_key
def open_board(board_id: str) -> Response:
    return _move(board_id, "open_board", board_moments.opened)


@blueprint.post("/boards/<board_id>/close")
@documented(
    "closeBoard",
    "Close a board",
    description="What is accepted from then on does not count on it; it stays readable. Safe to repeat.",
    body=MomentRequest,
    answers=[ResponseDoc(200, "The board.", BoardDescription)],
    errors=_OF_MOMENTS,
)
@manager
@limits.per_api_key
def close_board(board_id: str) -> Response:
    return _move(board_id, "close_board", board_moments.closed)


@blueprint.post("/boards/<board_id>/archive")
@documented(
    "archiveBoard",
    "Archive a board",
    description="For good: it leaves every list, takes no more updates, and stays readable by its id. Safe to repeat.",
    body=MomentRequest,
    answers=[ResponseDoc(200, "The board.", BoardDescription)],
    errors=_OF_MOMENTS,
)
@manager
@limits.per_api_key
def archive_board(board_id: str) -> Response:
    return _move(board_id, "archive_board", board_moments.archived)


def _move(board_id: str, name: str, moment: Moment) -> Response:
    asked = body_as(MomentRequest)
    now = datetime.now(UTC)
    with changing() as (connection, stored):
        if board_id not in stored.boards:
            raise ScoreboardError(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.UNKNOWN_BOARD])
        board, plan = catalogue_changes.move(connection, stored.boards[board_id], moment, asked.at, now)
        if plan.changes:
            audit.add(connection, caller(), name, board_id, changes=plan.described_changes(), reason=asked.reason)
    return jsonify(board_to_wire(board, now))


@contextmanager
def changing(*, with_ledger: bool = False) -> Iterator[tuple[Connection, Stored]]:
    """Hold the catalogue while it is changed, and the ledger if seasons are; this process reads it anew afterwards."""
    with services().engine.begin() as connection:
        yield connection, catalogue_changes.hold(connection, with_ledger=with_ledger)
    services().catalogue.expire()


def write_plan(connection: Connection, plan: Plan, name: str, subject: str) -> None:
    """Write a plan with its row of the audit log. Raises the error of its problems."""
    if plan.problems:
        raise catalogue_file.refusal(plan.problems)
    if plan.changes:
        catalogue_changes.write(connection, plan)
        audit.add(connection, caller(), name, subject, changes=plan.described_changes())


def caller() -> Actor:
    """Return who calls, for the audit log."""
    return Actor(api_key().id if is_by_api_key() else identity().user_id)


def same_id(field: str, given: str | None, in_path: str) -> None:
    """Raise `validation_failed` for an id in a body that is not the one of the address."""
    if given not in (None, in_path):
        raise invalid_field(field, "must be the id of the address")


def _check_revision(given: int | None, stored: int) -> None:
    if given not in (None, stored):
        raise ScoreboardError(ErrorCode.CATALOGUE_CHANGED, details={"revision": stored})
