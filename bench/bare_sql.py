"""The floor of the worker rows: what PostgreSQL itself needs for the same batches.

One connection of psycopg2 sends, for each batch, two prepared statements, with BEGIN before the first and COMMIT behind
the second: the merge of the standings of all open periods and the ledger rows, as `common/postgres` has them. The rows
are encoded before the clock starts.
Nothing is looked up, decided, returned, projected, answered or logged.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import psycopg2
from psycopg2.extensions import connection

from common.domain import periods

_PREPARE = """
PREPARE add (uuid[], text[], timestamptz) AS
INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, score_after, occurred_at,
                          accepted_at, recorded_at, source)
SELECT nextval('score_event_ids'), u, k, 'share', 1, 1, 1, $3, $3, $3, 'player' FROM unnest($1, $2) AS sent(u, k)
ORDER BY u, k;
PREPARE merge (text[], uuid[], bigint[], timestamptz) AS
INSERT INTO standings AS s (board_id, period_id, user_id, score, tie, version, updated_at, hidden)
SELECT 'main', p, u, points, 1, 1, $4, false FROM unnest($1) AS p CROSS JOIN unnest($2, $3) AS part(u, points)
ORDER BY p, u
ON CONFLICT (board_id, period_id, user_id) DO UPDATE
SET score = s.score + excluded.score, tie = GREATEST(s.tie, excluded.tie), version = s.version + 1,
    updated_at = GREATEST(s.updated_at, excluded.updated_at);
"""


def connect(url: str) -> connection:
    """Return a connection on which the statements are prepared."""
    connected = psycopg2.connect(url, options="-c timezone=UTC")
    connected.autocommit = True  # BEGIN and COMMIT are sent as they stand
    with connected.cursor() as cursor:
        cursor.execute(_PREPARE)
    return connected


def run(connected: connection, user_ids: Sequence[str], count: int, size: int, now: datetime) -> float:
    """Record `count` updates of these users in turn in batches of `size`, and return the seconds."""
    prepared = list(_batches(user_ids, count, size, now))
    with connected.cursor() as cursor:
        started = time.monotonic()
        for ledger_rows, standings in prepared:
            cursor.execute("BEGIN; EXECUTE merge (%s, %s, %s, %s)", standings)
            cursor.execute("EXECUTE add (%s, %s, %s); COMMIT", ledger_rows)
        return time.monotonic() - started


def _batches(
    user_ids: Sequence[str], count: int, size: int, now: datetime
) -> Iterator[tuple[tuple[str, str, datetime], tuple[str, str, str, datetime]]]:
    """Yield the parameters of both statements for each batch, arrays as PostgreSQL's text."""
    run_id, ids = secrets.token_hex(8), periods.ids_at(now)
    for first in range(0, count, size):
        users = [user_ids[n % len(user_ids)] for n in range(first, min(first + size, count))]
        points: dict[str, int] = {}
        for user_id in users:
            points[user_id] = points.get(user_id, 0) + 1
        keys = [f"{run_id}-{first + n}" for n in range(len(users))]
        yield (_array(users), _array(keys), now), (_array(ids), _array(points), _array(map(str, points.values())), now)


def _array(parts: Iterable[str]) -> str:
    return "{" + ",".join(parts) + "}"
