"""Reading the figures of days and hours, and what an operator asks of the database now."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

DAY = timedelta(days=1)


class Point(NamedTuple):
    """What happened on a board in a day or in an hour, which begins at `at`."""

    at: datetime
    active_players: int = 0
    new_players: int = 0
    updates: int = 0
    refused: int = 0
    points_in: int = 0
    points_out: int = 0


class OfAction(NamedTuple):
    """What happened by an action."""

    action_id: str
    updates: int
    refused: int
    points_in: int
    points_out: int


class Mover(NamedTuple):
    """A player who gained points."""

    user_id: str
    username: str
    points: int


class Now(NamedTuple):
    """How many updates are quarantined, for how long a period has been over and not closed, and the last snapshot."""

    quarantined: int
    closing_lag_seconds: float
    last_snapshot_at: datetime | None


_FIGURES = "active_players, new_players, updates, refused, points_in::bigint, points_out::bigint"

_DAYS = text(f"""
SELECT day::timestamptz, {_FIGURES} FROM daily_stats
WHERE board_id = :board AND day BETWEEN :first AND :last ORDER BY day
""")  # noqa: S608 - built from constants

_HOURS = text("""
SELECT c.hour, coalesce(active_players, 0), coalesce(new_players, 0), coalesce(updates, 0), coalesce(refused, 0),
       coalesce(points_in, 0)::bigint, coalesce(points_out, 0)::bigint
FROM counted_hours c LEFT JOIN hourly_boards h ON (h.hour, h.board_id) = (c.hour, :board)
WHERE c.hour >= :begin AND c.hour < :end ORDER BY c.hour
""")

_ACTIONS = text("""
SELECT action_id, sum(updates)::bigint, sum(refused)::bigint, sum(points_in)::bigint, sum(points_out)::bigint
FROM hourly_stats WHERE hour >= :begin AND hour < :end GROUP BY action_id ORDER BY sum(updates) DESC, action_id
""")

_REFUSALS = text("""
SELECT code, sum(times::bigint)::bigint FROM hourly_stats CROSS JOIN LATERAL jsonb_each_text(refusals) AS r(code, times)
WHERE hour >= :begin AND hour < :end GROUP BY code ORDER BY 2 DESC, 1
""")

_MOVERS = text("""
SELECT u.id::text, u.username, (m ->> 'points')::bigint
FROM (SELECT movers FROM counted_hours ORDER BY hour DESC LIMIT 1) AS last
CROSS JOIN LATERAL jsonb_array_elements(last.movers) AS m
JOIN users u ON u.id = (m ->> 'userId')::uuid
WHERE u.erased_at IS NULL
ORDER BY 3 DESC, u.id
""")

_COUNTED_AT = text("SELECT counted_at FROM counted_hours ORDER BY hour DESC LIMIT 1")

_UPDATES_OF_HOUR = text("""
SELECT board_id, updates FROM hourly_boards WHERE hour = date_trunc('hour', CAST(:now AS timestamptz))
""")

_NOW = text("""
SELECT (SELECT count(*) FROM score_quarantine),
       coalesce(extract(epoch FROM CAST(:now AS timestamptz) - (
           SELECT min(ends_at) FROM periods WHERE closed_at IS NULL AND ends_at <= :now
       )), 0)::float,
       (SELECT max(taken_at) FROM snapshots)
""")


def by_day(connection: Connection, board_id: str, first: date, last: date) -> list[Point]:
    """Return the days of a board, without those before its first and after its last one that is counted.

    A day in between that has no figures is one on which nobody played.
    """
    found = [Point(*row) for row in connection.execute(_DAYS, {"board": board_id, "first": first, "last": last})]
    return _without_gaps(found, DAY)


def by_hour(connection: Connection, board_id: str, begin: datetime, end: datetime) -> list[Point]:
    """Return those hours of a board that are counted."""
    return [Point(*row) for row in connection.execute(_HOURS, {"board": board_id, "begin": begin, "end": end})]


def by_action(connection: Connection, begin: datetime, end: datetime) -> list[OfAction]:
    """Return what happened by each action in these hours, the most used first."""
    return [OfAction(*row) for row in connection.execute(_ACTIONS, {"begin": begin, "end": end})]


def refusals(connection: Connection, begin: datetime, end: datetime) -> dict[str, int]:
    """Return how many updates were refused in these hours, by error code."""
    return {row[0]: row[1] for row in connection.execute(_REFUSALS, {"begin": begin, "end": end})}


def movers(connection: Connection) -> list[Mover]:
    """Return who gained most on the default board in the hour that was counted last."""
    return [Mover(*row) for row in connection.execute(_MOVERS)]


def counted_at(connection: Connection) -> datetime | None:
    """Return when the newest hour was counted."""
    found: datetime | None = connection.scalar(_COUNTED_AT)
    return found


def updates_of_hour(connection: Connection, now: datetime) -> dict[str, int]:
    """Return how many updates each board has counted in the hour that lasts."""
    return {row.board_id: row.updates for row in connection.execute(_UPDATES_OF_HOUR, {"now": now})}


def now(connection: Connection, at: datetime) -> Now:
    """Return what an operator looks at first in the database."""
    return Now(*connection.execute(_NOW, {"now": at}).one())


def _without_gaps(found: Sequence[Point], step: timedelta) -> list[Point]:
    whole: list[Point] = []
    for point in found:
        while whole and whole[-1].at + step < point.at:
            whole.append(Point(whole[-1].at + step))
        whole.append(point)
    return whole
