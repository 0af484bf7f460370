"""What the ids of periods say, in SQL, as `common/domain/periods.py` has it for Python."""

from common.domain.standing import BoardId

OF_PERIOD = "(board_id, period_id) = (:board, :period)"
"""Whether a row belongs to a period of a board; `named` has the values."""

KIND = """CASE
    WHEN {id} = 'all' THEN 'all' WHEN starts_with({id}, 's-') THEN 'season'
    WHEN {id} LIKE '____-__-__' THEN 'daily' WHEN {id} LIKE '____-W__' THEN 'weekly' ELSE 'monthly' END"""
"""The kind of period that the id `{id}` is of, as `periods.name_of`."""

DAY = "to_char({at} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
WEEK = "to_char({at} AT TIME ZONE 'UTC', 'IYYY-\"W\"IW')"
MONTH = "to_char({at} AT TIME ZONE 'UTC', 'YYYY-MM')"
"""The ids of the calendar's periods that the instant `{at}` belongs to, as `periods.ids_at`."""

SEASON = """(SELECT 's-' || x.season_id FROM seasons x
    WHERE x.board_id = {board} AND {at} >= x.starts_at AND {at} < x.ends_at)"""
"""The id of the season of the board `{board}` that the instant `{at}` belongs to, as `Board.season_at`, or null."""


def named(board: BoardId, **values: object) -> dict[str, object]:
    """Return the values of a statement that asks for `OF_PERIOD`, and others of it."""
    return {"board": board[0], "period": board[1], **values}
