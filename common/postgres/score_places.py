"""Where a score would stand on a board, by PostgreSQL: for a board that Redis does not serve."""

from dataclasses import replace

from sqlalchemy import Connection

from common.domain.pagination import Page, Selection, after, before
from common.postgres import standings


def page(connection: Connection, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
    """Return the rows around the place of a score, as `Board.page` would.

    For rows, total and version of one instant the transaction must be REPEATABLE READ.
    """
    earlier = standings.page(connection, board_id, period_id, limit, before(which.position))
    later = standings.page(connection, board_id, period_id, limit, after(which.position))
    stand_before = earlier.start + len(earlier.positions)
    start = max(0, min(stand_before - limit // 2, earlier.rows.total - limit))
    shown = slice(start - earlier.start, start - earlier.start + limit)
    entries = (earlier.rows.entries + later.rows.entries)[shown]
    positions = (earlier.positions + later.positions)[shown]
    return Page(replace(earlier.rows, entries=entries), start, True, positions, stand_before + 1)
