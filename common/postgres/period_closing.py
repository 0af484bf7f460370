"""The periods that end and have standings, of the calendar and seasons, and which of them are closed and ranked.

The standings of a closed period are final, but for a correction that says it amends them.

A period is stored here from its first standing on and stays open until it is closed, however late that is. Nothing
depends on a timer having fired.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, text

from common.domain import periods
from common.domain.seasons import names_a_season
from common.domain.standing import BoardId

KEPT_IN_REDIS = timedelta(days=8)
"""A closed period is kept in Redis for this long after its end; later it is read from PostgreSQL."""


class Ended(NamedTuple):
    """A period that is over and not closed."""

    board_id: str
    period_id: str
    ends_at: datetime
    starts_at: datetime


class FinalSnapshot(NamedTuple):
    """A snapshot of a closed period: at its end, or when its standings were amended last."""

    board_id: str
    period_id: str
    taken_at: datetime


class Amended(NamedTuple):
    """A closed period whose standings a correction has changed, and how often that has happened, counted from 1."""

    board_id: str
    period_id: str
    revision: int


_LIST = text("""
INSERT INTO periods (board_id, period_id, starts_at, ends_at)
SELECT b, p, coalesce(s, x.starts_at), coalesce(e, x.ends_at)
FROM json_to_recordset(CAST(:rows AS json)) AS sent(b text, p text, s timestamptz, e timestamptz)
LEFT JOIN seasons x ON s IS NULL AND (x.board_id, 's-' || x.season_id) = (b, p)
ORDER BY b, p
ON CONFLICT (board_id, period_id) DO NOTHING
""")

_ENDED = text("""
SELECT board_id, period_id, ends_at, starts_at FROM periods
WHERE closed_at IS NULL AND ends_at <= :now ORDER BY ends_at, board_id
""")

# Not before any void or disqualification that was made until now, whatever the clocks say: which of them came first
# decides what counts.
_CLOSE = text("""
UPDATE periods
SET closed_at = GREATEST(
        CAST(:now AS timestamptz), (SELECT max(at) FROM voids), (SELECT max(at) FROM disqualifications)
    ),
    last_event_id = (SELECT coalesce(max(id), 0) FROM score_events), snapshot_due = true
WHERE board_id = :board AND period_id = :period AND closed_at IS NULL AND ends_at <= :now
""")

_SNAPSHOT_DUE = text("""
SELECT board_id, period_id, coalesce(amended_at, ends_at) FROM periods WHERE snapshot_due ORDER BY ends_at, board_id
""")
_SNAPSHOT_STORED = text("""
UPDATE periods SET snapshot_due = false
WHERE board_id = :board AND period_id = :period AND coalesce(amended_at, ends_at) = :taken_at
""")
_AMEND = text("""
UPDATE periods p
SET revision = p.revision + 1, amended_at = date_trunc('milliseconds', clock_timestamp()), snapshot_due = true,
    ranked_at = NULL
FROM json_to_recordset(CAST(:boards AS json)) AS sent(b text, p text)
WHERE (p.board_id, p.period_id) = (sent.b, sent.p) AND p.closed_at IS NOT NULL AND p.archived_at IS NULL
RETURNING p.board_id, p.period_id, p.revision
""")

_CLOSED = text("SELECT board_id, period_id, ends_at, starts_at FROM periods WHERE closed_at >= :since")


def list_open(connection: Connection, board_ids: Collection[BoardId]) -> None:
    """Record periods that are new as open; a season has its begin and end in `seasons`. Safe to run twice."""
    if board_ids:
        rows = [_dated(board, period) for board, period in board_ids]
        connection.execute(_LIST, {"rows": orjson.dumps(rows).decode()})


def ended(connection: Connection, now: datetime) -> list[Ended]:
    """Return the periods that are over and not closed, the oldest first."""
    return [Ended(*row) for row in connection.execute(_ENDED, {"now": now})]


def close(connection: Connection, board_id: str, period_id: str, now: datetime) -> bool:
    """Close a period that is over; return False if it is closed already. The transaction must hold the ledger.

    Its final snapshot is due from then on.
    """
    values = {"board": board_id, "period": period_id, "now": now}
    return connection.execute(_CLOSE, values).rowcount == 1


def amend(connection: Connection, boards: Collection[BoardId]) -> list[Amended]:
    """Count the revisions of those of these periods that are closed, and return them, but for archived ones.

    Their final snapshots are due anew, and so are their final ranks.

    The transaction holds the ledger and has changed their standings.
    """
    sent = orjson.dumps([{"b": board_id, "p": period_id} for board_id, period_id in sorted(boards)]).decode()
    return sorted(Amended(*row) for row in connection.execute(_AMEND, {"boards": sent})) if boards else []


def snapshots_due(connection: Connection) -> list[FinalSnapshot]:
    """Return the final snapshots that are missing, those of the oldest periods first."""
    return [FinalSnapshot(*row) for row in connection.execute(_SNAPSHOT_DUE)]


def mark_snapshot_stored(connection: Connection, final: FinalSnapshot) -> None:
    """Record that a final snapshot is stored, in this transaction or an earlier one.

    Another one stays due if the period was amended meanwhile.
    """
    connection.execute(
        _SNAPSHOT_STORED, {"board": final.board_id, "period": final.period_id, "taken_at": final.taken_at}
    )


def closed_since(connection: Connection, since: datetime) -> list[Ended]:
    """Return the periods that were closed at or after `since`."""
    return [Ended(*row) for row in connection.execute(_CLOSED, {"since": since})]


def _dated(board_id: str, period_id: str) -> dict[str, object]:
    if names_a_season(period_id):
        return {"b": board_id, "p": period_id}
    period = periods.parse(period_id)
    return {"b": board_id, "p": period_id, "s": period.starts_at, "e": period.ends_at}
