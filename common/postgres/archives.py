"""Archived periods: final tables in compressed chunks, and an index that tells which chunk has a player.

A period is archived from `periods.archived_at` on. What may lie in `standings` and `ledger_totals` of it from then on
is on its way out or in (`common/postgres/archiving.py`), and nobody reads it. What is archived is as it was then, but
for suspensions, which are looked up when it is read: so suspending a player costs the same however long they have
played. Names are looked up too: there are only ids here.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from common.domain.archived_rows import ArchivedRow, Chunk
from common.postgres import parts
from common.postgres.period_sql import OF_PERIOD

ROWS = 1_000
"""The rows of a chunk, and the players of a piece of the index."""

IS_ARCHIVED = """EXISTS (
    SELECT FROM periods archived WHERE (archived.board_id, archived.period_id) = ({row}.board_id, {row}.period_id)
        AND archived.archived_at IS NOT NULL
)"""
"""Whether a `{row}` with a board and a period belongs to an archived period."""

_ARCHIVED_AT = text(f"SELECT archived_at FROM periods WHERE {OF_PERIOD}")  # noqa: S608 - built from constants
_CLOSED_AT = text(f"SELECT closed_at FROM periods WHERE {OF_PERIOD}")  # noqa: S608 - built from constants
_HEADS = text(f"SELECT chunk, rows, off, score, second, tie FROM archives WHERE {OF_PERIOD} ORDER BY chunk")  # noqa: S608
_CHUNK = text(f"SELECT data FROM archives WHERE {OF_PERIOD} AND chunk = :chunk")  # noqa: S608 - built from constants
_COUNTED = text(f"""
SELECT e.id, b.id AS board_id, p.period_id
{parts.EXPANDED.format(rows="(SELECT * FROM score_events WHERE id = ANY(CAST(:events AS bigint[])))").strip()}
WHERE c.archived_at IS NOT NULL AND {parts.COUNTS.strip()}
""")  # noqa: S608 - built from constants
_COUNT = text("SELECT count(*) FROM periods WHERE archived_at IS NOT NULL")


class Head(NamedTuple):
    """What is known of a chunk without opening it: how many rows it has, how many of them are `off`, the first row."""

    chunk: int
    rows: int
    off: int
    score: int
    second: int
    tie: int


def is_archived(connection: Connection, board_id: str, period_id: str) -> bool:
    """Return whether a period is archived."""
    return connection.scalar(_ARCHIVED_AT, {"board": board_id, "period": period_id}) is not None


def closed_at(connection: Connection, board_id: str, period_id: str) -> datetime:
    """Return when an archived period was closed, from when on it has been as it is, but for amendments."""
    at: datetime = connection.execute(_CLOSED_AT, {"board": board_id, "period": period_id}).scalar_one()
    return at


def count(connection: Connection) -> int:
    """Return how many periods are archived."""
    return int(connection.execute(_COUNT).scalar_one())


def counted(connection: Connection, event_ids: Collection[int]) -> set[tuple[int, str, str]]:
    """Return in which archived periods of which boards these ledger rows count, as (event id, board id, period id)."""
    if not count(connection):
        return set()
    return {(row.id, *row[1:]) for row in connection.execute(_COUNTED, {"events": list(event_ids)})}


def heads(connection: Connection, board_id: str, period_id: str) -> list[Head]:
    """Return what is known of the chunks of a period, in order of the ranks."""
    return [Head(*row) for row in connection.execute(_HEADS, {"board": board_id, "period": period_id})]


def chunk(connection: Connection, board_id: str, period_id: str, number: int) -> Chunk:
    """Return one chunk of a period."""
    values = {"board": board_id, "period": period_id, "chunk": number}
    return Chunk(bytes(connection.execute(_CHUNK, values).scalar_one()))


def rows(connection: Connection, board_id: str, period_id: str) -> Iterator[list[ArchivedRow]]:
    """Yield all rows of an archived period in order of their ranks, hidden ones too, a chunk at a time."""
    for head in heads(connection, board_id, period_id):
        yield list(chunk(connection, board_id, period_id, head.chunk))
