"""The seasons of boards. They are part of the catalogue: whoever writes here holds it, and counts its version up."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection, bindparam, delete, select, text, update

from common.domain.seasons import Season
from common.postgres.tables import seasons

_ALL = select(seasons.c.board_id, seasons.c.season_id, seasons.c.starts_at, seasons.c.ends_at, seasons.c.title)
_CHANGE = (
    update(seasons)
    .where(seasons.c.board_id == bindparam("board"), seasons.c.season_id == bindparam("season"))
    .values(title=bindparam("new_title"), starts_at=bindparam("new_start"), ends_at=bindparam("new_end"))
)
_DELETE = delete(seasons).where(seasons.c.board_id == bindparam("board"), seasons.c.season_id == bindparam("season"))
_MOVE_PERIODS = text("""
UPDATE periods p SET starts_at = moved.s, ends_at = moved.e
FROM json_to_recordset(CAST(:moved AS json)) AS moved(b text, p text, s timestamptz, e timestamptz)
WHERE (p.board_id, p.period_id) = (moved.b, moved.p) AND p.closed_at IS NULL
""")


def of_boards(connection: Connection) -> dict[str, tuple[Season, ...]]:
    """Return the seasons of each board that has some, the earliest first."""
    found: dict[str, list[Season]] = {}
    for board_id, season_id, starts_at, ends_at, title in connection.execute(_ALL.order_by(seasons.c.starts_at)):
        found.setdefault(board_id, []).append(Season(season_id, starts_at, ends_at, title))
    return {board_id: tuple(of_board) for board_id, of_board in found.items()}


def write(connection: Connection, new: Sequence[tuple[str, Season]], changed: Sequence[tuple[str, Season]]) -> None:
    """Write seasons with the ids of their boards. The transaction holds the ledger if some are changed."""
    if new:
        connection.execute(seasons.insert(), [_row(board_id, season) for board_id, season in new])
    if changed:
        connection.execute(_CHANGE, [_changed(board_id, season) for board_id, season in changed])
        moved = [
            {"b": board_id, "p": season.period_id, "s": season.starts_at, "e": season.ends_at}
            for board_id, season in changed
        ]
        connection.execute(_MOVE_PERIODS, {"moved": orjson.dumps(moved).decode()})


def remove(connection: Connection, deleted: Sequence[tuple[str, Season]]) -> None:
    """Delete seasons that have not begun, so that nothing has counted in them."""
    if deleted:
        connection.execute(_DELETE, [{"board": board_id, "season": season.id} for board_id, season in deleted])


def _row(board_id: str, season: Season) -> dict[str, object]:
    return {
        "board_id": board_id,
        "season_id": season.id,
        "title": season.title,
        "starts_at": season.starts_at,
        "ends_at": season.ends_at,
    }


def _changed(board_id: str, season: Season) -> dict[str, object]:
    return {
        "board": board_id,
        "season": season.id,
        "new_title": season.title,
        "new_start": season.starts_at,
        "new_end": season.ends_at,
    }
