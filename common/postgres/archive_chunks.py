"""Writing the chunks of an archived period, and the index of its players."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from common.domain import archived_players, archived_rows
from common.domain.archived_players import Whereabouts
from common.domain.archived_rows import ArchivedRow
from common.domain.standing import BoardId
from common.postgres.period_sql import OF_PERIOD, named

_ADD = text("""
INSERT INTO archives (board_id, period_id, chunk, rows, data, off, score, second, tie)
VALUES (:board, :period, :chunk, :rows, :data, :off, :score, :second, :tie)
""")
_REMOVE = text(f"DELETE FROM archives WHERE {OF_PERIOD} AND chunk = :chunk")  # noqa: S608 - built from constants
_ADD_PLAYERS = text("""
INSERT INTO archived_players (board_id, period_id, first_user_id, rows, data)
VALUES (:board, :period, :first, :rows, :data)
""")
_TAKE_PLAYERS = text(f"""
DELETE FROM archived_players WHERE {OF_PERIOD} AND first_user_id = (
    SELECT first_user_id FROM archived_players WHERE {OF_PERIOD} AND first_user_id <= CAST(:user AS uuid)
    ORDER BY first_user_id DESC LIMIT 1
)
RETURNING data, rows
""")  # noqa: S608 - built from constants
_FORGET = tuple(text(f"DELETE FROM {table} WHERE {OF_PERIOD}") for table in ("archives", "archived_players"))  # noqa: S608


def add(connection: Connection, board: BoardId, chunks: Iterable[tuple[int, Sequence[ArchivedRow]]]) -> None:
    """Add chunks, each with its number and rows that follow each other in order of their ranks."""
    connection.execute(_ADD, [_chunk(board, number, rows) for number, rows in chunks])


def replace(connection: Connection, board: BoardId, number: int, rows: Sequence[ArchivedRow]) -> None:
    """Let a chunk have these rows, or be gone if there are none."""
    connection.execute(_REMOVE, named(board, chunk=number))
    if rows:
        add(connection, board, [(number, rows)])


def add_players(connection: Connection, board: BoardId, players: Sequence[tuple[bytes, Whereabouts]]) -> None:
    """Add a piece of the index: the ids of players who follow each other, and where their rows are."""
    first = str(UUID(bytes=players[0][0]))
    data = archived_players.packed(players)
    connection.execute(_ADD_PLAYERS, named(board, first=first, rows=len(players), data=data))


def remove_player(connection: Connection, board: BoardId, user_id: str) -> None:
    """Take a player who has a row out of the index."""
    taken = connection.execute(_TAKE_PLAYERS, named(board, user=user_id)).one()
    key = UUID(user_id).bytes
    others = [each for each in archived_players.Players(bytes(taken.data), taken.rows).all() if each[0] != key]
    if others:
        add_players(connection, board, others)


def forget(connection: Connection, board: BoardId) -> None:
    """Delete all that is archived of a period."""
    for statement in _FORGET:
        connection.execute(statement, named(board))


def _chunk(board: BoardId, number: int, rows: Sequence[ArchivedRow]) -> dict[str, object]:
    first, off = rows[0], sum(row.is_off for row in rows)
    of_first = {"score": first.score, "second": first.second, "tie": first.tie}
    return named(board, chunk=number, rows=len(rows), data=archived_rows.packed(rows), off=off, **of_first)
