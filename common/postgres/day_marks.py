"""Marks of days: where each active player stood when a day (UTC) was over, and what happened on each board.

A mark is a player's place on the board of all time, for each player who is shown and has a standing of that day: so the
history of a player costs what they play. It is written once, when the day is ranked, and says of which instant it is,
which is within a minute of midnight, or later if the service was away. A day behind which another one is over already
gets no marks: nobody can tell any more where its players stood.

The figures of a day are counted from the ledger and the standings, so they are exact whenever they are written.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from common.contract.constants import ALL_TIME
from common.domain import periods
from common.domain.boards import Board
from common.postgres import period_sql, standings, tables

_CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""The greatest difference between the clocks of Redis, by which updates are accepted, and of PostgreSQL."""

_MARK = text(f"""
WITH {standings.RANKED}
INSERT INTO day_marks (user_id, board_id, day, at, score, rank, total)
SELECT r.user_id, :board, :day, statement_timestamp(), r.score, r.rank, r.total
FROM ranked r JOIN standings d ON (d.board_id, d.period_id, d.user_id) = (:board, :id_of_day, r.user_id)
WHERE NOT d.hidden AND NOT EXISTS (
    SELECT FROM periods later
    WHERE later.board_id = :board AND later.starts_at >= :ends_at AND later.ends_at <= statement_timestamp()
        AND {period_sql.KIND.format(id="later.period_id")} = 'daily'
)
ORDER BY r.user_id
ON CONFLICT DO NOTHING
""")  # noqa: S608 - built from constants

# All boards of the day at once, so that its part of the ledger is read once, however many boards there are. Once one
# of them is closed, all that was accepted on that day is recorded.
_COUNT = text("""
WITH of_day AS (SELECT board_id FROM periods WHERE period_id = :period),
happened AS (
    SELECT b.id AS board_id,
           count(*) FILTER (WHERE e.refusal IS NULL AND a.claimed_by <> 'admin') AS updates,
           count(*) FILTER (WHERE e.refusal IS NOT NULL) AS refused,
           sum(e.points) FILTER (WHERE e.points > 0 AND b.rule = 'sum' AND v.event_id IS NULL) AS points_in,
           -sum(e.points) FILTER (WHERE e.points < 0 AND b.rule = 'sum' AND v.event_id IS NULL) AS points_out
    FROM score_events e
    JOIN actions a ON (a.id, a.version) = (e.action_id, e.action_version)
    CROSS JOIN LATERAL unnest(a.boards) AS fed(board_id)
    JOIN boards b ON b.id = fed.board_id
    LEFT JOIN voids v ON v.event_id = e.id
    WHERE e.recorded_at BETWEEN :recorded_from AND :recorded_to
        AND e.accepted_at >= :starts_at AND e.accepted_at < :ends_at
        AND (e.left_out IS NULL OR b.id <> ALL(e.left_out))
    GROUP BY b.id
),
played AS (
    SELECT d.board_id, count(*) AS active_players,
           count(*) FILTER (WHERE u.created_at >= :starts_at AND u.created_at < :ends_at) AS new_players
    FROM of_day JOIN standings d ON d.board_id = of_day.board_id AND d.period_id = :period
    JOIN users u ON u.id = d.user_id
    WHERE NOT d.hidden GROUP BY d.board_id
)
INSERT INTO daily_stats (day, board_id, active_players, new_players, updates, refused, points_in, points_out)
SELECT :day, board_id, coalesce(active_players, 0), coalesce(new_players, 0), coalesce(updates, 0),
       coalesce(refused, 0), coalesce(points_in, 0), coalesce(points_out, 0)
FROM of_day LEFT JOIN happened USING (board_id) LEFT JOIN played USING (board_id)
ORDER BY board_id
ON CONFLICT DO NOTHING
""")
_COUNTED = text("SELECT FROM daily_stats WHERE day = :day AND board_id = :board")
_CLOSED_AT = text("SELECT closed_at FROM periods WHERE (board_id, period_id) = (:board, :period)")


class DayMark(NamedTuple):
    """Where a player stood on a board when a day was over."""

    day: date
    score: int
    rank: int
    total: int


def has_marks(board: Board) -> bool:
    """Return whether days of this board are marked: it counts days, and has a place of all time."""
    return ALL_TIME in board.periods and "daily" in board.periods


def write(connection: Connection, board_id: str, period_id: str) -> None:
    """Write the marks of a closed day of a board, and the figures of that day. Any other period has none.

    Safe to run twice and at the same time; what is written already stays as it is.
    """
    if periods.name_of(period_id) != "daily":
        return
    of_period = {"board": board_id, "period": period_id}
    closed_at: datetime | None = connection.scalar(_CLOSED_AT, of_period)
    if closed_at is None:
        return
    starts_at = datetime.combine(date.fromisoformat(period_id), time(), UTC)
    values = of_period | {"day": starts_at.date(), "starts_at": starts_at, "ends_at": periods.parse(period_id).ends_at}
    connection.execute(_MARK, values | {"period": ALL_TIME, "id_of_day": period_id})
    if connection.execute(_COUNTED, values).first() is None:
        recorded = {"recorded_from": starts_at - _CLOCKS_DIFFER_BY, "recorded_to": closed_at + _CLOCKS_DIFFER_BY}
        connection.execute(_COUNT, values | recorded)


def of_player(connection: Connection, user_id: str, board_id: str, first: date, last: date) -> list[DayMark]:
    """Return a player's marks on a board from one day to another, both included, the oldest first."""
    marks = tables.day_marks.c
    wanted = (marks.user_id == user_id, marks.board_id == board_id, marks.day.between(first, last))
    columns = (marks.day, marks.score, marks.rank, marks.total)
    return [DayMark(*row) for row in connection.execute(select(*columns).where(*wanted).order_by(marks.day))]


def ranks_on(connection: Connection, board_id: str, day: date, user_ids: list[str]) -> dict[str, int]:
    """Return the rank of each of these players who has a mark of this day on this board."""
    marks = tables.day_marks.c
    wanted = (marks.user_id.in_(user_ids), marks.board_id == board_id, marks.day == day)
    return {row.user_id: row.rank for row in connection.execute(select(marks.user_id, marks.rank).where(*wanted))}
