"""The ledger: one row for every update that was ever applied or refused. Rows are added and never changed."""

from collections.abc import Collection, Sequence
from datetime import datetime

import orjson
from sqlalchemy import Connection, text

from common.records import LedgerRow, UpdateKey

_FIND = text("""
SELECT e.id, e.user_id::text, e.idempotency_key, e.action_id, e.action_version, e.points, e.refusal, e.score_after,
       e.occurred_at, e.accepted_at, e.recorded_at
FROM json_to_recordset(CAST(:keys AS json)) AS sent(u uuid, k text)
JOIN score_events e ON e.user_id = sent.u AND e.idempotency_key = sent.k
""")

_RESERVE = text("""
SELECT date_trunc('milliseconds', now()) AS now, nextval('score_event_ids') AS id FROM generate_series(1, :count)
""")

_ADD = text("""
INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, refusal, score_after,
                          occurred_at, accepted_at, recorded_at)
SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS sent(
    id bigint, user_id uuid, idempotency_key text, action_id text, action_version int, points bigint, refusal text,
    score_after bigint, occurred_at timestamptz, accepted_at timestamptz, recorded_at timestamptz)
ORDER BY user_id, idempotency_key
ON CONFLICT (user_id, idempotency_key) DO NOTHING
""")


_SHARE = text("SELECT pg_advisory_xact_lock_shared(:lock)")
_WAIT_BRIEFLY = text("SET LOCAL lock_timeout = '1s'")
_HOLD = text("SELECT pg_advisory_xact_lock(:lock)")
_LOCK = 7_030_267_214
"""Any number, known only to us: every batch shares it, and who needs the ledger at rest has it alone."""


class AlreadyRecordedError(Exception):
    """Another transaction recorded one of the updates meanwhile: roll back and look again."""


def share(connection: Connection) -> None:
    """Keep others from having the ledger at rest until this transaction ends. Batches do not wait for each other."""
    connection.execute(_SHARE, {"lock": _LOCK})


def hold(connection: Connection) -> None:
    """Wait until every batch under way has ended, and let none begin before this transaction ends.

    Raises OperationalError after a second: those that come behind wait too, so a batch that hangs may not hold us up.
    """
    connection.execute(_WAIT_BRIEFLY)
    connection.execute(_HOLD, {"lock": _LOCK})


def find(connection: Connection, update_keys: Collection[UpdateKey]) -> dict[UpdateKey, LedgerRow]:
    """What is recorded of these updates."""
    sent = orjson.dumps([{"u": user_id, "k": key} for user_id, key in update_keys]).decode()
    rows = (LedgerRow(*row) for row in connection.execute(_FIND, {"keys": sent}))
    return {row.key: row for row in rows}


def reserve(connection: Connection, count: int) -> tuple[datetime, list[int]]:
    """The transaction's instant, to the millisecond, and `count` (at least 1) new ledger ids in order."""
    rows = connection.execute(_RESERVE, {"count": count}).all()
    return rows[0].now, [row.id for row in rows]


def add(connection: Connection, rows: Sequence[LedgerRow]) -> None:
    """Record updates, in one global order of keys so that two workers cannot deadlock.

    Raises AlreadyRecordedError if one of them is recorded already.
    """
    sent = orjson.dumps([row._asdict() for row in rows]).decode()
    if connection.execute(_ADD, {"rows": sent}).rowcount != len(rows):
        raise AlreadyRecordedError
