"""Bringing archived periods back to the standings.

1. Write the rows again, some chunks of them in a transaction. Nobody reads them yet.
2. In one transaction, which holds the ledger's checkpoint and then shares the ledger's lock: write the totals of
   verification, let the rows say who is suspended by now, take `archived_at` away, and delete the chunks.

A death before the end leaves standings of an archived period, which the next try deletes. The caller has
`archiving.lock`.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, text

from common.domain.archived_rows import ArchivedRow
from common.domain.standing import BoardId, Hidden
from common.postgres import archive_chunks, archives, archiving, checkpoint, ledger, standings
from common.postgres.archiving import Tell
from common.postgres.arrays import plain_array
from common.postgres.period_sql import OF_PERIOD, named

_BRING_BACK = text("""
INSERT INTO standings (board_id, period_id, user_id, score, second, tie, version, updated_at, decided_at, hidden_for,
                       hidden, final_hidden, final_rank)
SELECT :board, :period, u, score, second, tie, version, 'epoch'::timestamptz + updated * interval '1 microsecond',
       'epoch'::timestamptz + decided * interval '1 microsecond', why, why <> 0, final, rank
FROM unnest(CAST(:users AS uuid[]), CAST(:scores AS bigint[]), CAST(:seconds AS bigint[]), CAST(:ties AS bigint[]),
            CAST(:versions AS bigint[]), CAST(:updated AS bigint[]), CAST(:decided AS bigint[]),
            CAST(:reasons AS smallint[]), CAST(:final AS boolean[]), CAST(:ranks AS bigint[]))
    AS sent(u, score, second, tie, version, updated, decided, why, final, rank)
ORDER BY u
ON CONFLICT DO NOTHING
""")
# Who was suspended, or let back, while the period was archived.
_SUSPEND = text(f"""
UPDATE standings s SET hidden_for = changed.reasons, hidden = changed.reasons <> 0, version = s.version + 1
FROM (
    SELECT s.user_id, {standings.REASONS} AS before,
           ({standings.REASONS}) & {~int(Hidden.SUSPENDED)}
               | CASE WHEN u.suspended_at IS NULL THEN 0 ELSE {int(Hidden.SUSPENDED)} END AS reasons
    FROM (
        SELECT user_id FROM standings WHERE {OF_PERIOD} AND hidden
        UNION SELECT id FROM users WHERE suspended_at IS NOT NULL
    ) AS candidates
    JOIN standings s USING (user_id) JOIN users u ON u.id = s.user_id WHERE {OF_PERIOD}
) AS changed
WHERE {OF_PERIOD} AND s.user_id = changed.user_id AND changed.reasons <> changed.before
""")  # noqa: S608 - built from constants
_TOTALS = text(f"""
INSERT INTO ledger_totals AS t (user_id, board_id, period_id, score, tie, updated_at, second, decided_at)
SELECT user_id, board_id, period_id, score, tie, updated_at, second, decided_at FROM standings s
WHERE {OF_PERIOD} AND NOT {standings.IS_EMPTY.format(row="s")}
ON CONFLICT (user_id, board_id, period_id) DO UPDATE
SET score = excluded.score, tie = excluded.tie, updated_at = excluded.updated_at, second = excluded.second,
    decided_at = excluded.decided_at
""")  # noqa: S608 - built from constants
_LAST_EVENT = text(f"SELECT last_event_id FROM periods WHERE {OF_PERIOD} AND archived_at IS NOT NULL FOR UPDATE")  # noqa: S608
_UNMARK = text(f"UPDATE periods SET archived_at = NULL WHERE {OF_PERIOD} AND archived_at IS NOT NULL")  # noqa: S608


class BehindError(Exception):
    """The ledger's checkpoint has not come as far as the period that is to be brought back."""


def restore(engine: Engine, board: BoardId, record: Callable[[Connection, int], None], tell: Tell) -> int:
    """Bring an archived period back to the standings, and return how many rows it has. Safe to repeat, and to die in.

    `record` is called with that number in the transaction that ends it. Raises BehindError: nothing reads what has
    come back until then. The caller has the lock.
    """
    archiving.delete_standings(engine, board, lambda _: None)
    rows = 0
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as snapshot:
        for some in archives.rows(snapshot, *board):
            with engine.begin() as connection:
                connection.execute(_BRING_BACK, named(board, **_columns(some, rows + 1)))
            rows += len(some)
            tell(len(some))
    with engine.begin() as connection:
        included = checkpoint.hold(connection)
        last_event_id = connection.scalar(_LAST_EVENT, named(board))
        if last_event_id is None or included < last_event_id:
            raise BehindError
        connection.execute(_TOTALS, named(board))
        ledger.lock_shared(connection)
        connection.execute(_SUSPEND, named(board))
        connection.execute(_UNMARK, named(board))
        archive_chunks.forget(connection, board)
        record(connection, rows)
    return rows


def _columns(rows: Sequence[ArchivedRow], first_rank: int) -> dict[str, str]:
    """Return rows that follow each other from a rank on, as arrays of their columns."""
    users, scores, seconds, ties, versions, updated, decided, reasons, final = zip(*rows, strict=True)
    return {
        "users": plain_array(users),
        "scores": plain_array(map(str, scores)),
        "seconds": plain_array(map(str, seconds)),
        "ties": plain_array(map(str, ties)),
        "versions": plain_array(map(str, versions)),
        "updated": plain_array(map(str, updated)),
        "decided": plain_array("NULL" if at is None else str(at) for at in decided),
        "reasons": plain_array(map(str, reasons)),
        "final": plain_array("t" if was_hidden else "f" for was_hidden in final),
        "ranks": plain_array(map(str, range(first_rank, first_rank + len(rows)))),
    }
