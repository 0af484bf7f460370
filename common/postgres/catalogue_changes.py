"""Changing the catalogue: one writer at a time, one transaction, and a version that tells every process of it.

1. Hold the row of `catalogue_version`, for which other writers wait, and the ledger if seasons may move: then no batch
   records a period with the end that it had before.
2. Read what is stored, and plan (`common/domain/catalogue_plan.py`).
3. Write, and count the version up, unless there is nothing to change.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, text, update

from common.domain import catalogue_file, season_plan
from common.domain.board_moments import Moment
from common.domain.boards import Board
from common.domain.catalogue_plan import Plan, Stored, put_board
from common.domain.seasons import Season
from common.postgres import achievements, catalogue, ledger, seasons
from common.postgres.tables import actions, boards

_HOLD = text("SELECT version FROM catalogue_version FOR UPDATE")

# Only what may change is named: of the second score its label and its format, of the periods that there are seasons.
_MUTABLE = (
    *("title", "description", "category", "position", "format", "ties", "visibility"),
    *("opens_at", "closes_at", "archived_at", "revision", "periods"),
)
_CHANGE = (
    update(boards)
    .where(boards.c.id == bindparam("board"))
    .values(
        {name: bindparam(f"new_{name}") for name in _MUTABLE}
        | {"second": boards.c.second.op("||")(bindparam("new_second", type_=boards.c.second.type))}
    )
)


def hold(connection: Connection, *, with_ledger: bool = False) -> Stored:
    """Hold the catalogue until this transaction ends, and return what is stored.

    With the ledger, which seasons need, this raises OperationalError if it cannot be had within a second.
    """
    connection.execute(_HOLD)
    if with_ledger:
        ledger.lock_exclusive(connection)
    return stored(connection)


def stored(connection: Connection) -> Stored:
    """Return all boards and achievements, and the newest version of every action."""
    return Stored(
        {board.id: board for board in catalogue.list_boards(connection)},
        {action.id: (action, enabled) for action, enabled in catalogue.list_all(connection)},
        {achievement.id: achievement for achievement in achievements.load(connection)},
    )


def write(connection: Connection, plan: Plan) -> None:
    """Write what is planned. The transaction holds the catalogue, and the plan has no problems."""
    if not plan.changes:
        return
    if plan.new_boards:
        connection.execute(boards.insert(), [_row(board) for board in plan.new_boards])
    if plan.changed_boards:
        connection.execute(_CHANGE, [_changed(board) for board in plan.changed_boards])
    if plan.actions:
        rows = [{**asdict(action), "boards": list(action.boards), "enabled": on} for action, on in plan.actions]
        connection.execute(actions.insert(), rows)
    seasons.write(connection, plan.new_seasons, plan.changed_seasons)
    seasons.remove(connection, plan.deleted_seasons)
    if plan.new_achievements or plan.changed_achievements:
        changed = [achievements.Changed(*each) for each in plan.changed_achievements]
        achievements.write(connection, plan.new_achievements, changed)
    catalogue.count_change(connection)


def move(
    connection: Connection, board: Board, moment: Moment, at: datetime | None, now: datetime
) -> tuple[Board, Plan]:
    """Open, close or archive a board, and return it as it is then. The transaction holds the catalogue.

    Raises ScoreboardError if it cannot be, and nothing is changed.
    """
    plan = Plan()
    after = moment(board, at, now.replace(microsecond=now.microsecond // 1000 * 1000))
    put_board(plan, after, board)
    write(connection, plan)
    return (plan.changed_boards[0] if plan.changed_boards else board), plan


def end_season(
    connection: Connection, board: Board, season: Season, at: datetime | None, now: datetime
) -> tuple[Season, Plan]:
    """End a season, and return it as it is then. The transaction holds the catalogue and the ledger.

    Raises ScoreboardError if it cannot be, and nothing is changed.
    """
    plan = Plan()
    after = season_plan.ended(season, at, now.replace(microsecond=now.microsecond // 1000 * 1000))
    season_plan.put_season(plan, board.id, after, season)
    season_plan.check_overlaps(plan, board.id, board.seasons, "at")
    if plan.problems:
        raise catalogue_file.refusal(plan.problems)
    write(connection, plan)
    return after, plan


def delete_season(connection: Connection, board: Board, season_id: str, now: datetime) -> Plan:
    """Delete a planned season, if it is there. The transaction holds the catalogue. Raises `season_begun`."""
    plan = Plan()
    season_plan.delete_season(plan, board.id, board.find_season(season_id), now)
    write(connection, plan)
    return plan


def _row(board: Board) -> dict[str, Any]:
    row = asdict(board)
    del row["seasons"]
    return {**row, "periods": list(board.periods)}


def _changed(board: Board) -> dict[str, Any]:
    row = _row(board)
    second = row["second"] and {"label": row["second"]["label"], "format": row["second"]["format"]}
    return {"board": board.id, "new_second": second or {}, **{f"new_{name}": row[name] for name in _MUTABLE}}
