"""A board as it was at an instant: its rows counted anew from the ledger.

What had been recorded by then counts, by the rule of the board and the version of the action that each ledger row
names, as in every recount (`parts.COUNTED`). What is void now does not count, though it did then, and who is hidden now
is left out: a correction is the truth about the past, too. A closed period has what its final standings have.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from common.domain.entries import Entry
from common.domain.periods import Period
from common.postgres import parts, standings

SETTLED_AFTER = timedelta(seconds=5)
"""How long ago an instant has to be: a transaction that began before it has ended or shares the ledger's lock by then,
for which no batch waits longer than two seconds."""

# What was recorded before was accepted before: a worker's clock is not an hour ahead.
_EVENTS = """(
    SELECT * FROM score_events
    WHERE recorded_at <= :as_of AND action_id IN (SELECT id FROM actions WHERE :board = ANY(boards))
        AND recorded_at >= coalesce(CAST(:starts_at AS timestamptz) - interval '1 hour', '-infinity')
        AND accepted_at < coalesce(CAST(:ends_at AS timestamptz), 'infinity')
)"""
_COUNTED = standings.whole(f"""
    WITH counted AS MATERIALIZED (
        SELECT * FROM ({parts.COUNTED.format(rows=_EVENTS)}) AS every_part
        WHERE board_id = :board AND period_id = :period
    )
    SELECT due.user_id, due.score, due.second, due.tie, due.updated_at
    FROM ({parts.ADDED.format(parts="counted")} UNION ALL ({parts.KEPT.format(parts="counted")})) AS due
    JOIN standings s USING (board_id, period_id, user_id)
    WHERE NOT s.hidden
""")  # noqa: S608 - built from constants
_UNBOUNDED = text("""
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true),
       set_config('work_mem', '64MB', true)
""")


def unbound(connection: Connection) -> None:
    """Let this transaction take as long as it needs: nobody waits for it, and an operator can end it."""
    connection.execute(_UNBOUNDED)


def read(
    connection: Connection, board_id: str, period: Period, as_of: datetime, rows_at_once: int
) -> tuple[int, Iterator[list[Entry]]]:
    """Return how many rows the board had, and pages of them, as `standings.read_whole` does.

    No row that was recorded until `as_of` may be uncommitted when the transaction, REPEATABLE READ, begins.
    """
    values = {
        "board": board_id,
        "period": period.id,
        "as_of": as_of,
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
    }
    return standings.read_whole(connection, _COUNTED, values, rows_at_once)
