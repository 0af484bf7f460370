"""The index of archived periods: which chunk has the row of a player, and who of them is suspended now."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from common.domain import archived_players
from common.domain.archived_players import Players, Whereabouts
from common.domain.archived_rows import ArchivedRow
from common.domain.standing import BoardId
from common.postgres import archives

_SUSPENDED = text("""
SELECT found.board_id, found.period_id, i.data, i.rows, found.user_ids
FROM (
    SELECT wanted.board_id, wanted.period_id, piece.first_user_id, array_agg(u.id::text) AS user_ids
    FROM unnest(CAST(:boards AS text[]), CAST(:ids AS text[])) AS wanted(board_id, period_id)
    CROSS JOIN users u
    CROSS JOIN LATERAL (
        SELECT first_user_id FROM archived_players a
        WHERE (a.board_id, a.period_id) = (wanted.board_id, wanted.period_id) AND a.first_user_id <= u.id
        ORDER BY a.first_user_id DESC LIMIT 1
    ) AS piece
    WHERE u.suspended_at IS NOT NULL GROUP BY wanted.board_id, wanted.period_id, piece.first_user_id
) AS found
JOIN archived_players i USING (board_id, period_id, first_user_id)
""")
# A user id is found where its bytes are: nobody has 16 random bytes that begin in the middle of an id of somebody else.
_OF_PLAYER = """
SELECT p.board_id, p.period_id, p.closed_at, p.total,
       get_byte(i.data, 16 * i.rows + f.index * 2) * 256 + get_byte(i.data, 16 * i.rows + f.index * 2 + 1) AS word
FROM (
    SELECT * FROM periods p WHERE archived_at IS NOT NULL AND {periods}
    ORDER BY closed_at DESC, board_id DESC, period_id DESC OFFSET 0
) AS p
CROSS JOIN LATERAL (
    SELECT data, rows FROM archived_players a
    WHERE (a.board_id, a.period_id) = (p.board_id, p.period_id) AND a.first_user_id <= CAST(:user AS uuid)
    ORDER BY a.first_user_id DESC LIMIT 1
) AS i
CROSS JOIN LATERAL (
    SELECT (position(uuid_send(CAST(:user AS uuid)) IN substring(i.data FOR 16 * i.rows)) - 1) / 16 AS index
) AS f
WHERE substring(i.data FROM f.index * 16 + 1 FOR 16) = uuid_send(CAST(:user AS uuid)) AND {rows}
ORDER BY p.closed_at DESC, p.board_id DESC, p.period_id DESC
"""
_EVERYWHERE = text(_OF_PLAYER.format(periods="true", rows="true"))
_ON = text(
    _OF_PLAYER.format(
        periods="(p.board_id, p.period_id) IN (SELECT * FROM unnest(CAST(:boards AS text[]), CAST(:ids AS text[])))",
        rows="true",
    )
)
_BETWEEN = text(
    _OF_PLAYER.format(
        periods="""p.board_id = ANY(:boards) AND (CAST(:closed_at AS timestamptz) IS NULL
            OR (p.closed_at, p.board_id, p.period_id) < (:closed_at, :before_board, :before_period))
            AND (CAST(:after AS timestamptz) IS NULL
            OR (p.closed_at, p.board_id, p.period_id) > (:after, :after_board, :after_period))""",
        rows="get_byte(i.data, 16 * i.rows + f.index * 2 + 1) % 2 = 0",
    )
    + " LIMIT :limit"
)
_PIECES = text("""
SELECT rows, data FROM archived_players WHERE (board_id, period_id) = (:board, :period) ORDER BY first_user_id
""")


class Found(NamedTuple):
    """An archived period in which a player has a row, and in which of its chunks."""

    board_id: str
    period_id: str
    closed_at: datetime
    total: int
    where: Whereabouts

    @property
    def board(self) -> BoardId:
        return self.board_id, self.period_id


def pieces(connection: Connection, board_id: str, period_id: str) -> Iterator[Players]:
    """Yield the index of an archived period, in order of the user ids."""
    for row in connection.execute(_PIECES, {"board": board_id, "period": period_id}):
        yield Players(bytes(row.data), row.rows)


def suspended(connection: Connection, boards: Collection[BoardId]) -> dict[BoardId, dict[bytes, Whereabouts]]:
    """Return who has a row in each of these archived periods and is suspended now."""
    found: dict[BoardId, dict[bytes, Whereabouts]] = {board: {} for board in boards}
    board_ids, period_ids = [board for board, _ in boards], [period for _, period in boards]
    for row in connection.execute(_SUSPENDED, {"boards": board_ids, "ids": period_ids}):
        players = Players(bytes(row.data), row.rows)
        for user_id in (UUID(each).bytes for each in row.user_ids):
            if where := players.find(user_id):
                found[row.board_id, row.period_id][user_id] = where
    return found


def find(connection: Connection, board_id: str, period_id: str, user_id: str) -> Whereabouts | None:
    """Return where the row of a player is in an archived period; None if there is none."""
    found = on_boards(connection, user_id, [(board_id, period_id)])
    return found[0].where if found else None


def on_boards(connection: Connection, user_id: str, boards: Collection[BoardId]) -> list[Found]:
    """Return those of these (board, period) that are archived and have a row of a player."""
    board_ids, period_ids = [board for board, _ in boards], [period for _, period in boards]
    values = {"user": user_id, "boards": board_ids, "ids": period_ids}
    return [_found(*row) for row in connection.execute(_ON, values)]


def of_player(connection: Connection, user_id: str) -> list[Found]:
    """Return the archived periods in which a player has a row, those that were closed last first."""
    return [_found(*row) for row in connection.execute(_EVERYWHERE, {"user": user_id})]


def of_player_between(
    connection: Connection,
    user_id: str,
    board_ids: Sequence[str],
    limit: int,
    ends: tuple[tuple[datetime, str, str] | None, tuple[datetime, str, str] | None],
) -> list[Found]:
    """Return up to `limit` of them on these boards, between two of such (closed_at, board id, period id).

    The first end is the later one; without an end all are there. One in which the player's row is hidden for ever is
    not among them.
    """
    (before, before_board, before_period), (after, after_board, after_period) = (
        end or (None, None, None) for end in ends
    )
    values = {
        **{"closed_at": before, "before_board": before_board, "before_period": before_period},
        **{"after": after, "after_board": after_board, "after_period": after_period},
    }
    found = connection.execute(_BETWEEN, {"user": user_id, "boards": list(board_ids), "limit": limit, **values})
    return [_found(*row) for row in found]


def row_of(connection: Connection, found: Found, user_id: str) -> ArchivedRow:
    """Return the row of a player in an archived period."""
    of_chunk = archives.chunk(connection, *found.board, found.where.chunk)
    return of_chunk[of_chunk.ids().index(UUID(user_id).bytes)]


def _found(board_id: str, period_id: str, closed_at: datetime, total: int, word: int) -> Found:
    return Found(board_id, period_id, closed_at, total, archived_players.whereabouts(word))
