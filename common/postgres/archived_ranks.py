"""The final ranks of one player in many archived periods at once, as `ArchivedBoard.rank_of` finds one."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from common.domain import archived_rows
from common.domain.archived_rows import Chunk
from common.postgres import archive_index
from common.postgres.archive_index import Found

_CHUNKS = text("""
SELECT a.data, b.second IS NOT NULL AS has_second,
       (SELECT coalesce(sum(rows - off), 0) FROM archives o
        WHERE (o.board_id, o.period_id) = (a.board_id, a.period_id) AND o.chunk < a.chunk)::bigint AS ahead
FROM unnest(CAST(:boards AS text[]), CAST(:ids AS text[]), CAST(:chunks AS int[])) WITH ORDINALITY
    AS wanted(board_id, period_id, chunk, place)
JOIN archives a USING (board_id, period_id, chunk) JOIN boards b ON b.id = a.board_id
ORDER BY wanted.place
""")


class RankOfPlayer(NamedTuple):
    """Where a player stands. `second` is None on a board that has no second score."""

    rank: int
    score: int
    second: int | None


def of_player(connection: Connection, user_id: str, periods: Sequence[Found]) -> list[RankOfPlayer | None]:
    """Return the player's rank in each of these periods, None where they are not shown.

    For ranks of one instant the transaction must be REPEATABLE READ.
    """
    if not periods:
        return []
    key = UUID(user_id).bytes
    suspended = archive_index.suspended(connection, [period.board for period in periods])
    values = {
        "boards": [period.board_id for period in periods],
        "ids": [period.period_id for period in periods],
        "chunks": [period.where.chunk for period in periods],
    }
    found: list[RankOfPlayer | None] = []
    for period, row in zip(periods, connection.execute(_CHUNKS, values), strict=True):
        chunk, hidden = Chunk(bytes(row.data)), suspended[period.board]
        at = chunk.ids().index(key)
        if key in hidden or period.where.is_off:
            found.append(None)
            continue
        earlier = sum(where.chunk < period.where.chunk and not where.is_off for where in hidden.values())
        beside = sum(
            not archived_rows.is_off(reasons) and chunk.id_at(index) not in hidden
            for index, reasons in enumerate(chunk.reasons()[:at])
        )
        score, second, _ = chunk.scores_at(at)
        found.append(RankOfPlayer(row.ahead - earlier + beside + 1, score, second if row.has_second else None))
    return found
