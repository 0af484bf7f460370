"""The final ranks of closed periods, and the digests of their tables.

`standings.final_rank` counts all rows of a period, hidden ones too, in the one order. The rank that is told is that
less the hidden rows ahead, so a player who is suspended or reinstated years later needs no new ranking, and every rank
agrees with the list by construction. `final_hidden` says who was hidden at that time, so that the digest of the table
as it was shown then can be computed again.

A period is ranked in slices, from one order of one snapshot, and each may be written again. Nothing reads the ranks of
a period before `periods.ranked_at` says that they are whole.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from common.domain.archived_players import Whereabouts
from common.domain.digests import FIRST, Line, TableDigest
from common.domain.standing import BoardId
from common.postgres import archive_index, archives, period_sql, standings
from common.postgres.arrays import plain_array

SLICE = 10_000
"""How many rows are read, and numbered in a transaction of their own, at a time."""

_UNRANKED = text("""
SELECT board_id, period_id, revision, is_closed FROM (
    SELECT *, true AS is_closed FROM periods WHERE closed_at IS NOT NULL AND ranked_at IS NULL
    UNION ALL
    SELECT *, false FROM periods WHERE closed_at IS NULL
) AS waiting ORDER BY ends_at, board_id, period_id
""")
_PREVIOUS = text(f"""
SELECT coalesce(p.previous_digest, (
    SELECT before.digest FROM periods before
    WHERE before.board_id = p.board_id AND before.ends_at < p.ends_at AND before.ranked_at IS NOT NULL
        AND {period_sql.KIND.format(id="before.period_id")} = {period_sql.KIND.format(id="p.period_id")}
    ORDER BY before.ends_at DESC LIMIT 1
))
FROM periods p WHERE (p.board_id, p.period_id) = (:board, :period)
""")  # noqa: S608 - built from constants
# Whatever is known of the tables: PostgreSQL may take a period for one row, and compare each with each of a slice.
_BY_INDEX = text("SET LOCAL enable_nestloop = off; SET LOCAL enable_seqscan = off")
_ROWS = "board_id = :board AND period_id = :period AND s.user_id = ANY(CAST(:users AS uuid[]))"
_HOLD = text(f"SELECT FROM standings s WHERE {_ROWS} ORDER BY s.user_id FOR NO KEY UPDATE")
_NUMBER = text(f"""
UPDATE standings s SET final_rank = sent.rank, final_hidden = sent.hidden
FROM unnest(CAST(:users AS uuid[]), CAST(:ranks AS bigint[]), CAST(:hidden AS boolean[])) AS sent(user_id, rank, hidden)
WHERE {_ROWS} AND s.user_id = sent.user_id AND (s.final_rank, s.final_hidden) IS DISTINCT FROM (sent.rank, sent.hidden)
""")  # noqa: S608 - built from constants
_FINISH = text("""
UPDATE periods SET ranked_at = date_trunc('milliseconds', clock_timestamp()), total = :total, digest = :digest,
    previous_digest = :previous
WHERE (board_id, period_id) = (:board, :period)
    AND closed_at IS NOT NULL AND ranked_at IS NULL AND revision = :revision
""")
_RANKED = text("""
SELECT board_id, period_id, total, digest, previous_digest FROM periods
WHERE ranked_at IS NOT NULL ORDER BY board_id, ends_at, period_id
""")


_STILL = text("""
SELECT total, digest, previous_digest FROM periods
WHERE (board_id, period_id) = (:board, :period) AND ranked_at IS NOT NULL
""")


class Unranked(NamedTuple):
    """A period that has no final ranks, or had other ones before it was amended; it may still be open."""

    board_id: str
    period_id: str
    revision: int
    is_closed: bool


class Ranked(NamedTuple):
    """A ranked period: how many players were shown then, and the digest of their table."""

    board_id: str
    period_id: str
    total: int
    digest: str
    previous_digest: str

    @property
    def board(self) -> BoardId:
        return self.board_id, self.period_id


class Recomputed(NamedTuple):
    """What a ranked period's rows say now: the digest, the players shown, and how many of their ranks are others.

    Of an archived period it is how many rows more or less the chunks have than the index says.
    """

    digest: str
    total: int
    misplaced: int


def unranked(connection: Connection) -> list[Unranked]:
    """Return the periods without final ranks, in the order of their ends, which is that of digests."""
    return [Unranked(*row) for row in connection.execute(_UNRANKED)]


def previous_digest(connection: Connection, board_id: str, period_id: str) -> str:
    """Return the digest with which that of a period begins: once it is ranked that stays the same for ever."""
    found = connection.scalar(_PREVIOUS, {"board": board_id, "period": period_id})
    return FIRST if found is None else str(found)


def slices(connection: Connection, board_id: str, period_id: str) -> Iterator[Sequence[Row[Any]]]:
    """Yield all rows of a period in the one order, as `standings.in_order` does."""
    return standings.in_order(connection, board_id, period_id, SLICE)


def shown(rows: Sequence[Row[Any]]) -> Iterator[Line]:
    """Yield the lines of those rows that are not hidden."""
    return (Line(row.user_id, row.score, row.second, row.tie) for row in rows if not row.hidden)


def number(connection: Connection, board_id: str, period_id: str, first: int, rows: Sequence[Row[Any]]) -> None:
    """Write the final ranks of rows that follow each other, from `first`, and who of them is hidden. Safe to repeat.

    The rows are locked in the one global order.
    """
    values = {
        "board": board_id,
        "period": period_id,
        "users": plain_array(row.user_id for row in rows),
        "ranks": plain_array(map(str, range(first, first + len(rows)))),
        "hidden": plain_array("t" if row.hidden else "f" for row in rows),
    }
    connection.execute(_BY_INDEX)
    connection.execute(_HOLD, values)
    connection.execute(_NUMBER, values)


def finish(connection: Connection, period: Unranked, digest: TableDigest, previous: str) -> bool:
    """Record that a period is ranked; False, and nothing is changed, if it was amended or ranked meanwhile."""
    values = {
        "board": period.board_id,
        "period": period.period_id,
        "revision": period.revision,
        "total": digest.total,
        "digest": digest.hexdigest(),
        "previous": previous,
    }
    return connection.execute(_FINISH, values).rowcount == 1


def ranked(connection: Connection) -> list[Ranked]:
    """Return all ranked periods, archived ones too, by board and end."""
    return [Ranked(*row) for row in connection.execute(_RANKED)]


def is_still(connection: Connection, period: Ranked) -> bool:
    """Return whether the period is ranked as it was read."""
    return connection.execute(_STILL, {"board": period.board_id, "period": period.period_id}).first() == period[2:]


def recompute(connection: Connection, period: Ranked) -> Recomputed:
    """Compute a ranked period's digest again, of who was shown when it was ranked.

    The transaction must be REPEATABLE READ, and have read the period in the same snapshot.
    """
    if archives.is_archived(connection, *period.board):
        return _recompute_archived(connection, period)
    digest = TableDigest(period.previous_digest)
    rank, misplaced = 0, 0
    for rows in slices(connection, *period.board):
        kept = [(rank + index, row) for index, row in enumerate(rows, start=1) if not row.final_hidden]
        misplaced += sum(row.final_rank != place for place, row in kept)
        digest.add(Line(row.user_id, row.score, row.second, row.tie) for _, row in kept)
        rank += len(rows)
    return Recomputed(digest.hexdigest(), digest.total, misplaced)


def _recompute_archived(connection: Connection, period: Ranked) -> Recomputed:
    digest = TableDigest(period.previous_digest)
    players = Counter(where for piece in archive_index.pieces(connection, *period.board) for _, where in piece.all())
    for head in archives.heads(connection, *period.board):
        chunk = archives.chunk(connection, *period.board, head.chunk)
        players.subtract(Whereabouts(head.chunk, row.is_off) for row in chunk)
        digest.add(Line(row.user_id, row.score, row.second, row.tie) for row in chunk if not row.final_hidden)
    misplaced = sum(abs(count) for count in players.values())
    return Recomputed(digest.hexdigest(), digest.total, misplaced)
