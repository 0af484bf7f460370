"""Where a score would stand on a board, by PostgreSQL: for a board that Redis does not serve."""

from dataclasses import replace

from sqlalchemy import Connection, text

from common.contract.constants import GREATEST_SECOND
from common.domain.pagination import Page, Selection, after, before
from common.postgres import stored_boards

_LOWER_SECOND_LEADS = text("SELECT (second->>'ascending')::boolean FROM boards WHERE id = :board")


def page(connection: Connection, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
    """Return the rows around the place of a score, as `Board.page` would.

    For rows, total and version of one instant the transaction must be REPEATABLE READ.
    """
    last_of_equals = which.position._replace(second=_worst_second(connection, board_id))
    earlier = stored_boards.page(connection, board_id, period_id, limit, before(last_of_equals))
    later = stored_boards.page(connection, board_id, period_id, limit, after(last_of_equals))
    stand_before = earlier.start + len(earlier.positions)
    start = max(0, min(stand_before - limit // 2, earlier.rows.total - limit))
    shown = slice(start - earlier.start, start - earlier.start + limit)
    entries = (earlier.rows.entries + later.rows.entries)[shown]
    positions = (earlier.positions + later.positions)[shown]
    return Page(replace(earlier.rows, entries=entries), start, True, positions, stand_before + 1)


def _worst_second(connection: Connection, board_id: str) -> int:
    return GREATEST_SECOND if connection.scalar(_LOWER_SECOND_LEADS, {"board": board_id}) else -GREATEST_SECOND
