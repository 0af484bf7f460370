"""Taking a player out of archived periods, each in a transaction of its own.

A chunk and a piece of the index lose a row, and the period is ranked anew where it lies: whoever stood behind moves up,
its digest is of who is shown now, and its revision is counted, as that of any closed period from which a player goes.
"""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from common.domain.digests import Line, TableDigest
from common.domain.standing import BoardId
from common.postgres import archive_chunks, archive_index, archives, placement_unlocks
from common.postgres.period_sql import OF_PERIOD

_HOLD = text(f"SELECT FROM periods WHERE {OF_PERIOD} FOR NO KEY UPDATE")
_PREVIOUS = text(f"SELECT previous_digest FROM periods WHERE {OF_PERIOD}")  # noqa: S608 - built from constants
_RANKED = text(f"""
UPDATE periods
SET ranked_at = now.at, amended_at = now.at, snapshot_due = true, revision = revision + 1,
    total = :total, digest = :digest
FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS at) AS now WHERE {OF_PERIOD}
""")  # noqa: S608 - built from constants


def remove_player(engine: Engine, user_id: str, tell: Callable[[int, int], None]) -> int:
    """Take a player out of every archived period, and return out of how many. Safe to repeat, and to die in.

    `tell` is called with how many periods are done, and how many there are. The caller has `archiving.lock`.
    """
    with engine.connect() as connection:
        boards = [found.board for found in archive_index.of_player(connection, user_id)]
    for done, board in enumerate(boards, start=1):
        with engine.begin() as connection:
            _remove(connection, board, user_id)
        tell(done, len(boards))
    return len(boards)


def _remove(connection: Connection, board: BoardId, user_id: str) -> None:
    connection.execute(_HOLD, {"board": board[0], "period": board[1]})
    where = archive_index.find(connection, *board, user_id)
    if where is None:
        return
    rows = [row for row in archives.chunk(connection, *board, where.chunk) if row.user_id != user_id]
    archive_chunks.replace(connection, board, where.chunk, rows)
    archive_chunks.remove_player(connection, board, user_id)
    _rank_anew(connection, board)
    placement_unlocks.decide(connection, *board)


def _rank_anew(connection: Connection, board: BoardId) -> None:
    """Record who is hidden now, the digest of who is shown, and that the period is amended."""
    values = {"board": board[0], "period": board[1]}
    suspended = archive_index.suspended(connection, [board])[board]
    digest = TableDigest(str(connection.scalar(_PREVIOUS, values)))
    for head in archives.heads(connection, *board):
        before = list(archives.chunk(connection, *board, head.chunk))
        rows = [row._replace(final_hidden=row.is_off or UUID(row.user_id).bytes in suspended) for row in before]
        if rows != before:
            archive_chunks.replace(connection, board, head.chunk, rows)
        digest.add(Line(row.user_id, row.score, row.second, row.tie) for row in rows if not row.final_hidden)
    connection.execute(_RANKED, {**values, "total": digest.total, "digest": digest.hexdigest()})
