"""Pages of boards as clients ask for them and as they are told. Pure."""

from collections.abc import Sequence
from datetime import datetime

from common.contract.errors import invalid_field
from common.contract.requests import BoardQuery, LeaderboardQuery
from common.contract.responses import LeaderboardPage
from common.core.timestamps import format_instant
from common.domain import cursors, pagination, periods
from common.domain.boards import Board
from common.domain.pagination import Page, Position, Selection
from common.domain.periods import Period


def period_of(query: BoardQuery, board: Board, now: datetime) -> Period:
    """Return the period of the board that a query names. Raises `validation_failed`, also for one that it has not."""
    try:
        period = periods.resolve(query.period, now)
    except ValueError:
        raise invalid_field("period", "must be all, daily, weekly, monthly or the id of a period") from None
    if periods.name_of(period.id) not in board.periods:
        raise invalid_field("period", f"this board has {', '.join(board.periods)}, and the ids of such periods")
    return period


def selection_of(query: LeaderboardQuery, period: Period, secret_keys: Sequence[bytes]) -> Selection:
    """Return the rows that a query asks for. Raises `invalid_cursor` for one of another board, period or service."""
    if query.around is not None:
        if query.cursor is not None:
            raise invalid_field("around", "goes with no cursor")
        return pagination.around(query.around.lower())
    if query.cursor is None:
        return pagination.FIRST
    direction, score, tie = cursors.decode(secret_keys, _scope(query, period), query.cursor)
    position = Position(int(score), int(tie))
    return pagination.after(position) if direction == "after" else pagination.before(position)


def body_of(
    page: Page, query: LeaderboardQuery, period: Period, which: Selection, secret_keys: Sequence[bytes]
) -> LeaderboardPage:
    """Return the body that tells a page. Its cursors are signed with the first of the keys."""

    def cursor(continued: Selection | None) -> str | None:
        if continued is None:
            return None
        return cursors.encode(secret_keys[0], _scope(query, period), [continued.kind, *continued.position])

    body: LeaderboardPage = {
        "board": query.board,
        "period": period.id,
        "periodEndsAt": format_instant(period.ends_at) if period.ends_at else None,
        "entries": [entry.to_wire() for entry in page.rows.entries],
        "total": page.rows.total,
        "nextCursor": cursor(page.next(which)),
        "previousCursor": cursor(page.previous(which)),
        "version": page.rows.version,
    }
    if query.around is not None:
        body["found"] = page.found
    return body


def _scope(query: LeaderboardQuery, period: Period) -> str:
    """Return the scope of a cursor, with the period's id, so that it is refused once the period has rolled over."""
    return f"leaderboard {query.board} {period.id}"
