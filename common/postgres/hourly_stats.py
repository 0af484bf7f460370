"""The figures of each hour: of every action, and of every board. Counted from the ledger, and so exact when written.

An hour is counted while it lasts and once more when it is over; then its figures stay. An hour is that in which the
database recorded the updates, by which the ledger has an index of blocks. Points that a correction has voided until
then are not among them.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from common.contract.constants import DEFAULT_BOARD
from common.domain.scoring import ClaimedBy

HOUR = timedelta(hours=1)
SETTLED_AFTER = timedelta(minutes=5)
"""Long after every transaction has ended that recorded something within the hour."""

AGAIN_AFTER = timedelta(minutes=1)
"""The hour that lasts is counted at most so often."""

SHARE = 50
"""It is counted more rarely where counting takes long: one part of so many of the time goes into it at most."""

KEPT = timedelta(days=400)
TAKEN_UP = timedelta(days=42)
"""Hours of a ledger that is older than these figures are counted as far back as this."""

MOVERS = 10

_DUE = text("""
SELECT hour FROM generate_series(
    date_trunc('hour', GREATEST(
        CAST(:oldest AS timestamptz), (SELECT recorded_at FROM score_events ORDER BY id LIMIT 1)
    )),
    CAST(:now AS timestamptz), interval '1 hour'
) AS hour LEFT JOIN counted_hours c USING (hour)
WHERE EXISTS (SELECT FROM score_events)
    AND (c.hour IS NULL OR (c.counted_at < hour + :settled AND c.counted_at < :now - GREATEST(
    CAST(:again AS interval), :share * c.took_ms * interval '1 millisecond'
)))
ORDER BY hour DESC
LIMIT :limit
""")

# Whoever counts the same hour meanwhile waits here, and then sees what this one has written.
_BEGIN = text("""
INSERT INTO counted_hours (hour, counted_at) VALUES (:hour, clock_timestamp())
ON CONFLICT (hour) DO UPDATE SET counted_at = clock_timestamp()
""")

_END = text("""
UPDATE counted_hours SET took_ms = extract(epoch FROM clock_timestamp() - counted_at) * 1000 WHERE hour = :hour
""")

_OF_HOUR = "e.recorded_at >= :hour AND e.recorded_at < :until"

_ACTIONS = text(f"""
WITH counted AS (
    SELECT e.action_id, e.refusal, count(*) AS times,
           sum(e.points) FILTER (WHERE e.points > 0 AND v.event_id IS NULL) AS points_in,
           -sum(e.points) FILTER (WHERE e.points < 0 AND v.event_id IS NULL) AS points_out
    FROM score_events e LEFT JOIN voids v ON v.event_id = e.id
    WHERE {_OF_HOUR}
    GROUP BY e.action_id, e.refusal
)
INSERT INTO hourly_stats (hour, action_id, updates, refused, points_in, points_out, refusals)
SELECT :hour, action_id,
       coalesce(sum(times) FILTER (WHERE refusal IS NULL), 0), coalesce(sum(times) FILTER (WHERE refusal <> ''), 0),
       coalesce(sum(points_in), 0), coalesce(sum(points_out), 0),
       coalesce(jsonb_object_agg(refusal, times) FILTER (WHERE refusal <> ''), '{{}}')
FROM counted GROUP BY action_id ORDER BY action_id
ON CONFLICT (hour, action_id) DO UPDATE
SET updates = excluded.updates, refused = excluded.refused, points_in = excluded.points_in,
    points_out = excluded.points_out, refusals = excluded.refusals
""")  # noqa: S608 - built from constants

# What is one figure of an hour is one of a day: see `day_marks`.
_BOARDS = text(f"""
WITH of_players AS (
    SELECT e.user_id, e.action_id, e.action_version, e.left_out, e.refusal IS NULL AS counts, count(*) AS times,
           sum(e.points) FILTER (WHERE e.points > 0 AND v.event_id IS NULL) AS points_in,
           -sum(e.points) FILTER (WHERE e.points < 0 AND v.event_id IS NULL) AS points_out
    FROM score_events e LEFT JOIN voids v ON v.event_id = e.id
    WHERE {_OF_HOUR}
    GROUP BY e.user_id, e.action_id, e.action_version, e.left_out, e.refusal IS NULL
)
INSERT INTO hourly_boards (
    hour, board_id, active_players, new_players, updates, refused, points_in, points_out
)
SELECT :hour, b.id, count(DISTINCT p.user_id) FILTER (WHERE p.counts AND a.claimed_by <> :admin),
       count(DISTINCT p.user_id) FILTER (
           WHERE p.counts AND a.claimed_by <> :admin AND u.created_at >= :hour AND u.created_at < :until
       ),
       coalesce(sum(p.times) FILTER (WHERE p.counts AND a.claimed_by <> :admin), 0),
       coalesce(sum(p.times) FILTER (WHERE NOT p.counts), 0),
       coalesce(sum(p.points_in) FILTER (WHERE b.rule = 'sum'), 0),
       coalesce(sum(p.points_out) FILTER (WHERE b.rule = 'sum'), 0)
FROM of_players p
JOIN actions a ON (a.id, a.version) = (p.action_id, p.action_version)
JOIN users u ON u.id = p.user_id
CROSS JOIN LATERAL unnest(a.boards) AS fed(board_id)
JOIN boards b ON b.id = fed.board_id
WHERE p.left_out IS NULL OR b.id <> ALL(p.left_out)
GROUP BY b.id ORDER BY b.id
ON CONFLICT (hour, board_id) DO UPDATE
SET active_players = excluded.active_players, new_players = excluded.new_players, updates = excluded.updates,
    refused = excluded.refused, points_in = excluded.points_in, points_out = excluded.points_out
""")  # noqa: S608 - built from constants

_MOVERS = text(f"""
UPDATE counted_hours SET movers = coalesce((
    SELECT jsonb_agg(jsonb_build_object('userId', user_id, 'points', points) ORDER BY points DESC, user_id)
    FROM (
        SELECT e.user_id, sum(e.points)::bigint AS points
        FROM score_events e JOIN actions a ON (a.id, a.version) = (e.action_id, e.action_version)
        LEFT JOIN voids v ON v.event_id = e.id
        WHERE {_OF_HOUR} AND :board = ANY(a.boards) AND v.event_id IS NULL
            AND (e.left_out IS NULL OR :board <> ALL(e.left_out))
        GROUP BY e.user_id HAVING sum(e.points) > 0 ORDER BY points DESC, e.user_id LIMIT :most
    ) AS most
), '[]')
WHERE hour = :hour
""")  # noqa: S608 - built from constants

_OLD = [text(f"DELETE FROM {name} WHERE hour < :oldest") for name in ("counted_hours", "hourly_stats", "hourly_boards")]  # noqa: S608


def due(connection: Connection, now: datetime, limit: int) -> list[datetime]:
    """Return the hours that have to be counted now, the newest first, `limit` at most."""
    values = {
        "now": now,
        "oldest": now - TAKEN_UP,
        "settled": HOUR + SETTLED_AFTER,
        "again": AGAIN_AFTER,
        "share": SHARE,
        "limit": limit,
    }
    return list(connection.scalars(_DUE, values))


def count(connection: Connection, hour: datetime) -> None:
    """Count an hour. Safe to run twice and at the same time, in a transaction that commits it as a whole."""
    values = {"hour": hour, "until": hour + HOUR, "admin": ClaimedBy.ADMIN.value}
    connection.execute(_BEGIN, values)
    connection.execute(_ACTIONS, values)
    connection.execute(_BOARDS, values)
    connection.execute(_MOVERS, values | {"board": DEFAULT_BOARD, "most": MOVERS})
    connection.execute(_END, values)


def prune(connection: Connection, now: datetime) -> None:
    """Delete the figures of hours that are older than they are kept."""
    for statement in _OLD:
        connection.execute(statement, {"oldest": now - KEPT})
