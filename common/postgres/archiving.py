"""Moving the final tables of days into archives.

A period is archived so:

1. Copy its rows, from one snapshot and in the order of their final ranks, to `archives`, some chunks in a transaction,
   and then its players, in the order of their ids, to `archived_players`. Nobody reads them yet.
2. Compute the digest of what was copied; a period of which it is not the one that was recorded stays as it is.
3. In one short transaction, which shares the ledger's lock as a batch does: set `archived_at`, unless the period's
   revision has changed. Corrections hold the ledger alone, so each of them comes before that or after.
4. Delete the standings, and the totals of the checkpoint, some players in a transaction. Nobody reads them any more.

A death before step 3 leaves chunks that the next try deletes; one after it leaves standings, which the next run
deletes. One process at a time moves periods (`lock`). `common/postgres/unarchiving.py` brings them back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, text

from common.domain import archived_rows
from common.domain.archived_players import Whereabouts
from common.domain.archived_rows import ArchivedRow
from common.domain.digests import Line, TableDigest
from common.domain.standing import BoardId
from common.postgres import archive_chunks, archives, ledger, period_sql, standings
from common.postgres.period_sql import OF_PERIOD, named

CHUNKS_AT_ONCE = 10
"""How many chunks one transaction writes."""

ROWS_AT_ONCE = 5_000
"""How many standings one transaction deletes or brings back."""

_LOCK = 7_030_267_217
"""The number of the advisory lock of who moves periods."""

_TRY = text("SELECT pg_try_advisory_lock(:lock)")
_LEAVE = text("SELECT pg_advisory_unlock(:lock)")

Tell = Callable[[int], None]
"""Told of so many players that were copied, deleted or brought back."""


class BusyError(Exception):
    """Another process moves periods into archives or back."""


class NotWholeError(Exception):
    """The rows of a period are not those of which its digest was computed."""


class AmendedError(Exception):
    """A period was amended, or archived, since it was listed."""


class Day(NamedTuple):
    """A day that is over: whether it is ranked, so that it can be archived, and how many players it had then."""

    board_id: str
    period_id: str
    is_ranked: bool
    total: int
    revision: int
    digest: str
    previous_digest: str

    @property
    def board(self) -> BoardId:
        return self.board_id, self.period_id


# `stored_boards` looks for no day in archives that has just ended: whoever calls leaves those of some days out.
_DAYS = text(f"""
SELECT board_id, period_id, ranked_at IS NOT NULL AS is_ranked, coalesce(total, 0), revision, coalesce(digest, ''),
       coalesce(previous_digest, '')
FROM periods
WHERE archived_at IS NULL AND ends_at <= :before AND {period_sql.KIND.format(id="period_id")} = 'daily'
    AND (CAST(:board AS text) IS NULL OR board_id = :board)
ORDER BY ends_at, board_id
""")  # noqa: S608 - built from constants
_ARCHIVED = text("""
SELECT board_id, period_id FROM periods
WHERE archived_at IS NOT NULL AND (CAST(:board AS text) IS NULL OR board_id = :board)
    AND (CAST(:period AS text) IS NULL OR period_id = :period)
ORDER BY ends_at, board_id
""")
_LEFT = text("""
SELECT board_id, period_id FROM periods p
WHERE archived_at IS NOT NULL
    AND EXISTS (SELECT FROM standings s WHERE (s.board_id, s.period_id) = (p.board_id, p.period_id) OFFSET 0)
ORDER BY ends_at, board_id
""")
_MICROSECONDS = "(extract(epoch FROM {instant}) * 1000000)::bigint"
_ROWS = standings.in_order_of(
    f"""
    s.user_id::text, s.score, s.second, s.tie, s.version, {_MICROSECONDS.format(instant="s.updated_at")} AS updated_at,
    {_MICROSECONDS.format(instant="s.decided_at")} AS decided_at, ({standings.REASONS})::int AS hidden_for,
    s.final_hidden, s.final_rank
    """,
    then_by="s.final_rank",
)
_PLAYERS = text(f"""
SELECT user_id::text, final_rank, ({standings.REASONS})::int AS hidden_for
FROM standings WHERE {OF_PERIOD} ORDER BY standings.user_id
""")  # noqa: S608 - built from constants
_AS_LISTED = f"{OF_PERIOD} AND archived_at IS NULL AND ranked_at IS NOT NULL AND revision = :revision"
_STILL = text(f"SELECT revision FROM periods WHERE {_AS_LISTED}")  # noqa: S608 - built from constants
_MARK = text(f"""
UPDATE periods SET archived_at = date_trunc('milliseconds', clock_timestamp()) WHERE {_AS_LISTED}
""")  # noqa: S608 - built from constants
# By the player behind whom the last transaction ended, so that no index entry of a deleted row is passed again.
_DELETE = text(f"""
WITH next_players AS MATERIALIZED (
    SELECT user_id FROM standings WHERE {OF_PERIOD} AND user_id > CAST(:after AS uuid) ORDER BY user_id LIMIT :limit
),
deleted AS (
    DELETE FROM standings WHERE {OF_PERIOD} AND user_id = ANY(ARRAY(SELECT user_id FROM next_players))
),
totals AS (
    DELETE FROM ledger_totals WHERE user_id = ANY(ARRAY(SELECT user_id FROM next_players)) AND {OF_PERIOD}
)
SELECT count(*) AS rows, (array_agg(user_id::text ORDER BY user_id DESC))[1] AS last FROM next_players
""")  # noqa: S608 - built from constants
# Whatever is known of the tables: PostgreSQL may take a period for few rows, and read all of them.
_BY_INDEX = text("SET LOCAL enable_seqscan = off")


@contextmanager
def lock(engine: Engine) -> Iterator[None]:
    """Let no other process move periods until the block ends. Raises BusyError if one does."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(_TRY, {"lock": _LOCK}):
            raise BusyError
        try:
            yield
        finally:
            connection.execute(_LEAVE, {"lock": _LOCK})


def days(connection: Connection, before: datetime, board_id: str | None) -> list[Day]:
    """Return the days that were over at an instant and are not archived, of a board or of all, the oldest first."""
    return [Day(*row) for row in connection.execute(_DAYS, {"before": before, "board": board_id})]


def archived(connection: Connection, board_id: str | None, period_id: str | None = None) -> list[BoardId]:
    """Return the archived periods, of a board or of all, the oldest first."""
    values = {"board": board_id, "period": period_id}
    return [(row.board_id, row.period_id) for row in connection.execute(_ARCHIVED, values)]


def left(connection: Connection) -> list[BoardId]:
    """Return the archived periods of which there are standings still, since a process died."""
    return [(row.board_id, row.period_id) for row in connection.execute(_LEFT)]


def archive(engine: Engine, day: Day, record: Callable[[Connection, int], None], tell: Tell) -> int:
    """Copy a ranked day, and mark it archived; return how many rows it has. The caller then deletes its standings.

    `record` is called with the number of rows in the transaction that marks it. Raises NotWholeError, and AmendedError
    if it is not as it was listed: then nothing has changed. The caller has the lock.
    """
    with engine.begin() as connection:
        if connection.scalar(_STILL, named(day.board, revision=day.revision)) is None:
            raise AmendedError  # above all not if it is archived: what is forgotten here would be all that there is
        archive_chunks.forget(connection, day.board)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as snapshot:
        if snapshot.scalar(_STILL, named(day.board, revision=day.revision)) is None:
            raise AmendedError
        rows = _copy_rows(engine, snapshot, day, tell)
        _copy_players(engine, snapshot, day.board)
    with engine.begin() as connection:
        ledger.lock_shared(connection)
        if connection.execute(_MARK, named(day.board, revision=day.revision)).rowcount != 1:
            raise AmendedError
        record(connection, rows)
    return rows


def delete_standings(engine: Engine, board: BoardId, tell: Tell) -> None:
    """Delete the standings of an archived period, and its totals. Safe to repeat, and to die in."""
    after = str(UUID(int=0))
    while True:
        with engine.begin() as connection:
            if not archives.is_archived(connection, *board):
                return
            connection.execute(_BY_INDEX)
            done = connection.execute(_DELETE, named(board, after=after, limit=ROWS_AT_ONCE)).one()
        if not done.rows:
            return
        tell(done.rows)
        after = done.last


def _copy_rows(engine: Engine, snapshot: Connection, day: Day, tell: Tell) -> int:
    """Copy the rows of a day as chunks, and return how many there are. Raises NotWholeError."""
    digest = TableDigest(day.previous_digest)
    rows, chunk = 0, 0
    for some in standings.in_order(snapshot, *day.board, archives.ROWS * CHUNKS_AT_ONCE, _ROWS):
        if [row.final_rank for row in some] != list(range(rows + 1, rows + len(some) + 1)):
            raise NotWholeError
        made = [ArchivedRow._make(row[:-1]) for row in some]
        digest.add(Line(row.user_id, row.score, row.second, row.tie) for row in made if not row.final_hidden)
        chunks = [made[start : start + archives.ROWS] for start in range(0, len(made), archives.ROWS)]
        with engine.begin() as connection:
            archive_chunks.add(connection, day.board, enumerate(chunks, start=chunk))
        rows, chunk = rows + len(made), chunk + len(chunks)
        tell(len(made))
    if (digest.hexdigest(), digest.total) != (day.digest, day.total):
        raise NotWholeError
    return rows


def _copy_players(engine: Engine, snapshot: Connection, board: BoardId) -> None:
    found = snapshot.execute(_PLAYERS, named(board), execution_options={"yield_per": archives.ROWS})
    for some in found.partitions(archives.ROWS):
        players = [(UUID(row.user_id).bytes, _whereabouts(row)) for row in some]
        with engine.begin() as connection:
            archive_chunks.add_players(connection, board, players)


def _whereabouts(row: Row[Any]) -> Whereabouts:
    return Whereabouts((row.final_rank - 1) // archives.ROWS, archived_rows.is_off(row.hidden_for))
