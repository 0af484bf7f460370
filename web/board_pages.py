"""Pages of boards, and places on them, as clients ask for them and as they are told. Pure."""

from collections.abc import Sequence
from datetime import datetime

from common.contract.board_responses import LeaderboardPage, PlayerPlace
from common.contract.constants import SEASON
from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.requests import BoardQuery, LeaderboardQuery
from common.core.timestamps import format_instant
from common.domain import cursors, pagination, periods
from common.domain.boards import Board
from common.domain.entries import Place
from common.domain.pagination import Page, Position, Selection
from common.domain.periods import Period
from common.domain.ranking import percentile
from common.domain.seasons import names_a_season


def period_of(query: BoardQuery, board: Board, now: datetime) -> Period:
    """Return the period of the board that a query names.

    Raises `validation_failed`, also for one that the board has not, and `no_season`.
    """
    if names_a_season(query.period) and SEASON in board.periods:
        season = board.season_named(query.period, now)
        if season is None:
            raise ScoreboardError(ErrorCode.NO_SEASON)
        return season.period
    period = None if names_a_season(query.period) else named_period(query.period, now)
    if period is None or periods.name_of(period.id) not in board.periods:
        raise invalid_field("period", f"this board has {', '.join(board.periods)}, and the ids of such periods")
    return period


def watched_period(query: BoardQuery, board: Board, now: datetime) -> Period:
    """Return the period that viewers are shown: as `period_of` has it, but between two seasons the one that is over.

    Raises `validation_failed`, and `no_season` if none was open yet.
    """
    over = [season for season in board.seasons if season.ends_at <= now]
    if query.period == SEASON and over and board.season_at(now) is None:
        return max(over, key=lambda season: season.ends_at).period
    return period_of(query, board, now)


def named_period(name_or_id: str, now: datetime) -> Period:
    """Return the period of the calendar of this name or id. Raises `validation_failed`."""
    try:
        return periods.resolve(name_or_id, now)
    except ValueError:
        raise invalid_field("period", "must be all, daily, weekly, monthly, season or the id of a period") from None


def selection_of(query: LeaderboardQuery, period: Period, secret_keys: Sequence[bytes]) -> Selection:
    """Return the rows that a query asks for. Raises `invalid_cursor` for one of another board, period or service."""
    if query.around_score is not None:
        if query.cursor is not None or query.around is not None:
            raise invalid_field("aroundScore", "goes with no cursor and no around")
        return pagination.around_score(query.around_score)
    if query.around is not None:
        if query.cursor is not None:
            raise invalid_field("around", "goes with no cursor")
        return pagination.around(query.around.lower())
    if query.cursor is None:
        return pagination.FIRST
    direction, *place = cursors.decode(secret_keys, _scope(query, period), query.cursor)
    position = Position(*map(int, place))
    return pagination.after(position) if direction == "after" else pagination.before(position)


def body_of(
    page: Page, query: LeaderboardQuery, period: Period, which: Selection, secret_keys: Sequence[bytes]
) -> LeaderboardPage:
    """Return the body that tells a page. Its cursors are signed with the first of the keys."""

    def cursor(continued: Selection | None) -> str | None:
        if continued is None:
            return None
        place = continued.position if continued.position.second else continued.position[:2]
        return cursors.encode(secret_keys[0], _scope(query, period), [continued.kind, *place])

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
    if page.would_rank is not None:
        body["would"] = {"rank": page.would_rank}
    return body


def body_of_place(place: Place) -> PlayerPlace:
    """Return the body that tells where a player stands."""
    share = percentile(place.entry.rank, place.total) if place.entry else None
    return {**place.to_wire(), "total": place.total, "percentile": share}


def _scope(query: LeaderboardQuery, period: Period) -> str:
    """Return the scope of a cursor, with the period's id, so that it is refused once the period has rolled over."""
    return f"leaderboard {query.board} {period.id}"
