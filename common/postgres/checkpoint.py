"""The ledger's checkpoint: the totals of its rows up to an id, for each player, board and period.

The verification adds the few rows after it to learn what the standings should be, and need not read the whole ledger.
A row may be included only once no batch can still commit a smaller id. A batch is given its ids while it shares the
ledger's lock (`ledger.lock_shared`), so that holds for the greatest id once every transaction that shared the lock when
this id had been read has ended:

1. Read the greatest id.
2. List the transactions that share the lock. Later ones get greater ids.
3. Wait until each of these has ended; no batch waits meanwhile.
4. Add the next rows up to that id to `ledger_totals` and `step_totals`, and move the checkpoint, in one transaction.

Two processes in step 4 at once wait for the one row of `ledger_checkpoint`; the second continues after the first.
"""

import time

from sqlalchemy import Connection, Engine, text

from common.core.chunk_size import ChunkSize
from common.postgres import ledger, parts, step_counts
from common.postgres.engine import TooSlowError, bounded_transaction

CHUNK = ChunkSize(5_000, least=100, most=50_000)
"""The number of ledger rows that one step includes."""

STABLE_WITHIN_SECONDS = 1.0
_POLL_SECONDS = 0.01

_GREATEST = text("SELECT coalesce(max(id), 0) FROM score_events")
_HOLDERS = text("""
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid() AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((classid::bigint << 32) | objid::bigint) = :lock
""")

_WHERE = text("SELECT event_id FROM ledger_checkpoint")
_WAIT_BRIEFLY = text("SET LOCAL lock_timeout = '1s'")
_CLAIM = text("SELECT event_id FROM ledger_checkpoint FOR UPDATE")
_MOVE = text("UPDATE ledger_checkpoint SET event_id = :to")
_NEXT = text("""
SELECT max(id) FROM (SELECT id FROM score_events WHERE id > :after AND id <= :most ORDER BY id LIMIT :rows) following
""")
_CHUNK = "chunk AS MATERIALIZED (SELECT * FROM score_events WHERE id > :after AND id <= :to)"
_TOTALS = "ledger_totals AS t (user_id, board_id, period_id, score, tie, updated_at, second, decided_at)"
_ADD = text(f"""
WITH {_CHUNK}, fresh AS ({parts.COUNTED.format(rows="chunk")})
INSERT INTO {_TOTALS}
{parts.ADDED.format(parts="fresh")}
ON CONFLICT (user_id, board_id, period_id) DO UPDATE SET {parts.added_to("t")} WHERE {parts.is_added_to("t")}
""")
_KEEPS = text("SELECT EXISTS (SELECT FROM boards WHERE rule NOT IN ('count', 'sum'))")
# OFFSET 0 keeps it a look-up by the index, however many totals there are.
_KEEP = text(f"""
WITH {_CHUNK},
fresh AS MATERIALIZED (
    SELECT * FROM ({parts.COUNTED.format(rows="chunk")}) AS counted WHERE rule NOT IN ('count', 'sum')
),
parts AS (
    SELECT * FROM fresh
    UNION ALL
    SELECT moved.*, t.score, t.tie, t.updated_at, t.second, t.decided_at
    FROM (SELECT DISTINCT user_id, board_id, period_id, rule, second_ascending FROM fresh) AS moved
    CROSS JOIN LATERAL (
        SELECT * FROM ledger_totals
        WHERE (user_id, board_id, period_id) = (moved.user_id, moved.board_id, moved.period_id) OFFSET 0
    ) AS t
)
INSERT INTO {_TOTALS}
{parts.KEPT.format(parts="parts")}
ON CONFLICT (user_id, board_id, period_id) DO UPDATE
SET score = excluded.score, tie = excluded.tie, updated_at = excluded.updated_at, second = excluded.second,
    decided_at = excluded.decided_at
""")  # noqa: S608 - built from constants
_EMPTY = text("TRUNCATE ledger_totals, step_totals")


class Checkpoint:
    """The checkpoint of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def lag(self) -> int:
        """Return the number of ledger ids between the checkpoint and the greatest one."""
        with self._engine.connect() as connection:
            return max(0, int(connection.scalar(_GREATEST) or 0) - int(connection.scalar(_WHERE) or 0))

    def included(self) -> int:
        """Return the ledger id up to which every row is included, below which none can appear any more."""
        with self._engine.connect() as connection:
            return int(connection.scalar(_WHERE) or 0)

    def find_stable_id(self, patience: float = STABLE_WITHIN_SECONDS) -> int:
        """Return a ledger id up to which no row can appear any more; 0 if a running batch does not end in time."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            greatest = int(connection.scalar(_GREATEST) or 0)
            return greatest if _wait_for_holders(connection, patience) else 0

    def is_settled(self, patience: float) -> bool:
        """Wait until every batch that is under way now has ended. Return False if one does not end in time."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return _wait_for_holders(connection, patience)

    def advance(self, most: int, rows: int, timeout_ms: int) -> int:
        """Include up to `rows` more ledger rows, none after the id `most`, and return the checkpoint's new id.

        `most` comes from `find_stable_id`. A statement that takes longer changes nothing and raises TooSlowError.
        """
        with bounded_transaction(self._engine, timeout_ms) as connection:
            after = int(connection.execute(_CLAIM).scalar_one())
            to = int(connection.scalar(_NEXT, {"after": after, "most": most, "rows": rows}) or most)
            if to <= after:
                return after
            include(connection, after, to)
            connection.execute(_MOVE, {"to": to})
            return to

    def step(self, most: int, chunk: ChunkSize, timeout_ms: int) -> tuple[int, ChunkSize]:
        """Include one chunk; return the checkpoint's new id (0 if it did not move) and the size of the next chunk.

        A chunk that takes too long changes nothing and is halved. Raises TooSlowError if it was the smallest already.
        """
        started = time.monotonic()
        try:
            to = self.advance(most, chunk.size, timeout_ms)
        except TooSlowError:
            if chunk.is_smallest:
                raise
            return 0, chunk.halved()
        return to, chunk.adapted(time.monotonic() - started, timeout_ms / 1000)

    def reset(self) -> None:
        """Forget the totals, so that every row of the ledger is read again."""
        with self._engine.begin() as connection:
            connection.execute(_CLAIM)
            connection.execute(_EMPTY)
            connection.execute(_MOVE, {"to": 0})


def hold(connection: Connection) -> int:
    """Return the checkpoint's id, which stays so until this transaction ends. The caller may change the totals.

    This comes before the ledger's lock, since a chunk may be included for a while. Raises OperationalError after a
    second.
    """
    connection.execute(_WAIT_BRIEFLY)
    return int(connection.execute(_CLAIM).scalar_one())


def include(connection: Connection, after: int, to: int) -> None:
    """Add the ledger rows between two ids, the first left out, to the totals. Once for each row."""
    rows = {"after": after, "to": to}
    connection.execute(_ADD, rows)
    if connection.scalar(_KEEPS):
        connection.execute(_KEEP, rows)
    step_counts.include(connection, after, to)


def _wait_for_holders(connection: Connection, patience: float) -> bool:
    """Wait until every transaction that shares the ledger's lock now has ended; False if that takes too long."""
    deadline = time.monotonic() + patience
    earlier = _holders(connection)
    while earlier & _holders(connection):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _holders(connection: Connection) -> set[str]:
    return set(connection.scalars(_HOLDERS, {"lock": ledger.LOCK}))
