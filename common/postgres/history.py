"""Which periods can have standings at all, so that requests for other periods need no query."""

import time
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Engine, text

from common.domain import periods
from common.domain.entries import BoardHead
from common.domain.pagination import Page, Selection
from common.domain.seasons import names_a_season
from common.domain.standing import BoardId
from common.postgres.standings import DATABASE_EPOCH

_COPY_SECONDS = 60.0
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""The greatest difference between the clocks of workers and web processes."""

_BOUNDS = text("""
SELECT board_id, NULL AS season, min(starts_at) AS bound FROM periods GROUP BY board_id
UNION ALL SELECT board_id, 's-' || season_id, ends_at FROM seasons
""")


class History:
    """The start of each board's first period, and the ends of seasons, cached for a minute."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._first: dict[str, datetime] = {}
        self._seasons: dict[BoardId, datetime] = {}
        self._read_at = float("-inf")
        self._reading = Lock()

    def has_no_standings(self, board_id: str, period_id: str, now: datetime) -> bool:
        """Return whether the period is before the board's first one or in the future. Raises SQLAlchemyError.

        Of a season it is never said: there are only those that an admin has made.
        """
        if names_a_season(period_id):
            return False
        period = periods.parse(period_id)
        if period.starts_at is None or period.ends_at is None:
            return False
        if period.starts_at > now + _CLOCKS_DIFFER_BY:
            return True
        if period.ends_at > now:
            return False
        self._read()
        first = self._first.get(board_id)
        return first is None or period.ends_at <= first

    def is_over(self, board_id: str, period_id: str, now: datetime) -> bool:
        """Return whether the period has ended. Raises SQLAlchemyError."""
        if names_a_season(period_id):
            self._read()
            ends_at = self._seasons.get((board_id, period_id))
        else:
            ends_at = periods.parse(period_id).ends_at
        return ends_at is not None and ends_at <= now

    def _read(self) -> None:
        with self._reading:
            if time.monotonic() - self._read_at < _COPY_SECONDS:
                return
            begun_at = time.monotonic()
            with self._engine.connect() as connection:
                rows = connection.execute(_BOUNDS).all()
            self._first = {row.board_id: row.bound for row in rows if row.season is None}
            self._seasons = {(row.board_id, row.season): row.bound for row in rows if row.season is not None}
            self._read_at = begun_at


def empty_page(which: Selection) -> Page:
    """Return the empty page of a period without standings."""
    would_rank = 1 if which.kind == "around_score" else None
    return Page(BoardHead(DATABASE_EPOCH, 0, 0, 0, ()), 0, which.kind != "around", (), would_rank)
