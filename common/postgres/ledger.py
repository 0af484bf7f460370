"""The ledger: one row for every update that was ever applied or refused. Rows are added and never changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from common.core import deadlines
from common.domain.ledger_row import LedgerRow, UpdateKey
from common.domain.rules import Window
from common.postgres import prepared
from common.postgres.arrays import plain_array, text_array

# OFFSET 0 keeps it a look-up by the index: as a join, the planner read the whole ledger until that had 20,000 rows.
_FIND = text("""
SELECT e.id, e.user_id::text, e.idempotency_key, e.action_id, e.action_version, e.points, e.refusal, e.score_after,
       e.occurred_at, e.accepted_at, e.recorded_at, e.limits_others, e.source,
       e.second, e.left_out
FROM json_to_recordset(CAST(:keys AS json)) AS sent(u uuid, k text)
CROSS JOIN LATERAL (SELECT * FROM score_events WHERE user_id = sent.u AND idempotency_key = sent.k OFFSET 0) AS e
""")

_RESERVE = text("""
SELECT date_trunc('milliseconds', now()) AS now, nextval('score_event_ids') AS id FROM generate_series(1, :count)
""")

_ADD = prepared.Statement(
    """
    INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, refusal, score_after,
                              occurred_at, accepted_at, limits_others, source, left_out, second, recorded_at)
    SELECT id, user_id, idempotency_key, action_id, action_version, points, refusal, score_after,
           occurred_at, accepted_at, limits_others, source, left_out::text[], coalesce(second, 0), %(recorded)s
    FROM unnest(%(ids)s, %(users)s, %(keys)s, %(actions)s, %(versions)s, %(points)s, %(refusals)s, %(scores)s,
                %(occurred)s, %(accepted)s, %(limits)s, %(sources)s, %(left)s, %(seconds)s)
        AS sent(id, user_id, idempotency_key, action_id, action_version, points, refusal, score_after,
                occurred_at, accepted_at, limits_others, source, left_out, second)
    ORDER BY user_id, idempotency_key
    """,
    {
        **{"ids": "bigint[]", "users": "uuid[]", "keys": "text[]", "actions": "text[]", "versions": "int[]"},
        **{"points": "bigint[]", "refusals": "text[]", "scores": "bigint[]", "occurred": "timestamptz[]"},
        **{"accepted": "timestamptz[]", "limits": "boolean[]", "sources": "text[]", "recorded": "timestamptz"},
        **{"left": "text[]", "seconds": "bigint[]"},
    },
)

# FOR NO KEY UPDATE: what refers to a player may be written meanwhile.
_LOCK_PLAYERS = text("SELECT FROM users WHERE id = ANY(CAST(:users AS uuid[])) ORDER BY id FOR NO KEY UPDATE")

_USES = text("""
SELECT e.user_id::text, e.action_id, e.accepted_at
FROM json_to_recordset(CAST(:wanted AS json)) AS wanted(u uuid, a text, since timestamptz, until timestamptz)
JOIN score_events e ON e.user_id = wanted.u AND e.action_id = wanted.a
    AND e.accepted_at BETWEEN wanted.since AND wanted.until
WHERE e.limits_others AND NOT EXISTS (SELECT FROM voids v WHERE v.event_id = e.id)
""")

_UNIQUE = "uq_score_events_user_id_idempotency_key"
"""The constraint by which an update is recorded once. No `ON CONFLICT`: it would look each key up once more and write
each row twice, for a conflict that only another worker in the same instant can cause."""

_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(:lock)")
_WAIT_BRIEFLY = text("SET LOCAL lock_timeout = '1s'")
_LOCK_EXCLUSIVE = text("SELECT pg_advisory_xact_lock(:lock)")
LOCK = 7_030_267_214
"""The number of the ledger's advisory lock: batches share it, and a transaction that must stop them takes it alone."""


class AlreadyRecordedError(Exception):
    """Another transaction has recorded one of the updates meanwhile. The caller rolls back and starts again."""


def lock_shared(connection: Connection) -> None:
    """Take the ledger's lock in shared mode until this transaction ends. Batches do not wait for each other."""
    connection.execute(_LOCK_SHARED, {"lock": LOCK})


def lock_exclusive(connection: Connection) -> None:
    """Take the ledger's lock in exclusive mode: no batch runs from then on until this transaction ends.

    Raises OperationalError after a second, because new batches wait behind this request.
    """
    connection.execute(_WAIT_BRIEFLY)
    connection.execute(_LOCK_EXCLUSIVE, {"lock": LOCK})


def find(connection: Connection, update_keys: Collection[UpdateKey]) -> dict[UpdateKey, LedgerRow]:
    """Return the ledger rows of these updates, by their keys."""
    sent = orjson.dumps([{"u": user_id, "k": key} for user_id, key in update_keys]).decode()
    rows = (_row(row) for row in connection.execute(_FIND, {"keys": sent}))
    return {row.key: row for row in rows}


def _row(row: Sequence[Any]) -> LedgerRow:
    *plain, second, left_out = row
    return LedgerRow(*plain)._replace(left_out=tuple(left_out) if left_out else None, second=second)


def lock_uses(
    connection: Connection, wanted: Mapping[tuple[str, str], Window]
) -> dict[tuple[str, str], list[datetime]]:
    """Return the instants at which each (user id, action id) was used and counted within its window; no void uses.

    No other transaction can add a use before this one ends: the players are locked first, in one global order.
    """
    if not wanted:
        return {}
    connection.execute(_LOCK_PLAYERS, {"users": [user_id for user_id, _ in wanted]})
    sent = [{"u": user_id, "a": action_id, **window._asdict()} for (user_id, action_id), window in wanted.items()]
    uses: dict[tuple[str, str], list[datetime]] = {use: [] for use in wanted}
    for user_id, action_id, accepted_at in connection.execute(_USES, {"wanted": orjson.dumps(sent).decode()}):
        uses[user_id, action_id].append(accepted_at)
    return uses


def reserve(connection: Connection, count: int) -> tuple[datetime, list[int]]:
    """Return the transaction's instant, in whole milliseconds, and `count` (at least 1) new ledger ids in order."""
    rows = connection.execute(_RESERVE, {"count": count}).all()
    return rows[0].now, [row.id for row in rows]


def add_and_commit(connection: Connection, rows: Sequence[LedgerRow]) -> None:
    """Record updates, all at the instant of the first one, and commit in the same round trip.

    They are in one global order of keys so that two workers cannot deadlock. The unique index refuses an update that is
    recorded already; then nothing is committed. Raises AlreadyRecordedError, UnstorableTextError, or NotPreparedError.
    """
    ids, user_ids, update_keys, actions, versions, points, refusals, scores, *rest = zip(*rows, strict=True)
    occurred, accepted, (recorded, *_), limits, sources, left, seconds = rest
    values = {
        "ids": plain_array(map(str, ids)),
        "users": plain_array(user_ids),
        "keys": text_array(update_keys),
        "actions": text_array(actions),
        "versions": plain_array("NULL" if version is None else str(version) for version in versions),
        "points": plain_array(map(str, points)),
        "refusals": text_array(refusals),
        "scores": plain_array(map(str, scores)),
        "occurred": plain_array(instant.isoformat() for instant in occurred),
        "accepted": plain_array(instant.isoformat() for instant in accepted),
        "recorded": recorded,
        "limits": plain_array("t" if counts else "f" for counts in limits),
        "sources": text_array(sources),
        "left": plain_array("NULL" if boards is None else f'"{plain_array(boards)}"' for boards in left),
        "seconds": plain_array(map(str, seconds)) if any(seconds) else "{}",
    }
    deadlines.commit_sent()
    try:
        prepared.run(connection, _ADD, values, after="; COMMIT")
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) == _UNIQUE:
            raise AlreadyRecordedError from error
        raise
