"""Reading an archived period as a board: pages, places, and the whole of it.

The heads of the chunks tell how many rows each has that are shown, so a rank is found in one chunk, and so is a place
in the order, by halving. All of a read is of one instant: the transaction must be REPEATABLE READ.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Sequence
from functools import cached_property
from itertools import accumulate
from uuid import UUID

from sqlalchemy import Connection, text

from common.core.timestamps import to_milliseconds
from common.domain.archived_rows import ArchivedRow, Chunk, is_off
from common.domain.details import Details
from common.domain.entries import BoardHead, Entry, Place, with_places
from common.domain.pagination import Page, Position, Selection
from common.postgres import archive_index, archives, people, standings

_ORDER = text("""
SELECT CASE WHEN ascending THEN 1 ELSE -1 END AS sign, second IS NOT NULL AS has_second,
       CASE WHEN (second->>'ascending')::boolean THEN 1 ELSE -1 END AS second_sign, ties = 'shared' AS shares_places
FROM boards WHERE id = :board
""")

_Key = tuple[int, int, float]


class ArchivedBoard:
    """An archived period of a board, at the instant of a transaction. Rows that are hidden now are not in it."""

    def __init__(self, connection: Connection, board_id: str, period_id: str) -> None:
        self._connection = connection
        self._of = (board_id, period_id)
        self._order = connection.execute(_ORDER, {"board": board_id}).one()
        self._heads = archives.heads(connection, board_id, period_id)
        self._suspended = archive_index.suspended(connection, [self._of])[self._of]
        hidden = {head.chunk: head.off for head in self._heads}
        for where in self._suspended.values():
            hidden[where.chunk] += not where.is_off
        self._before = [0, *accumulate(head.rows - hidden[head.chunk] for head in self._heads)]
        """How many rows are shown before each chunk, and in all."""
        self._chunks: dict[int, Chunk] = {}

    @property
    def total(self) -> int:
        """How many rows are shown."""
        return self._before[-1]

    @property
    def has_second(self) -> bool:
        """Whether the board has a second score."""
        return bool(self._order.has_second)

    @cached_property
    def _first_keys(self) -> list[_Key]:
        return [self._key(head.score, head.second, head.tie) for head in self._heads]

    def rows(self, start: int, end: int) -> list[tuple[int, ArchivedRow]]:
        """Return the rows from one rank to another, from 1, the last one left out, with their ranks."""
        found: list[tuple[int, ArchivedRow]] = []
        start, end = max(1, start), min(end, self.total + 1)
        index = bisect_right(self._before, start - 1) - 1
        while start + len(found) < end:
            shown, chunk = self._shown(index), self._chunk(index)
            ahead = self._before[index]
            some = shown[start + len(found) - 1 - ahead : end - 1 - ahead]
            found += [(start + len(found) + at, chunk[row]) for at, row in enumerate(some)]
            index += 1
        return found

    def ahead_of(self, position: Position, *, inclusive: bool = False) -> int:
        """Return how many rows stand before a position, or `inclusive` at it."""
        return self._ahead_of(self._key(position.score, position.second, position.tiebreaker), inclusive=inclusive)

    def _place_shared_by(self, score: int, second: int) -> int:
        return self._ahead_of(self._key(score, second, float("-inf"))) + 1

    def rank_of(self, user_id: str) -> tuple[int, ArchivedRow] | None:
        """Return the rank of a player, and their row; None for one who is not shown."""
        where = archive_index.find(self._connection, *self._of, user_id)
        key = UUID(user_id).bytes
        if where is None or where.is_off or key in self._suspended:
            return None
        index = next(at for at, head in enumerate(self._heads) if head.chunk == where.chunk)
        chunk = self._chunk(index)
        row = chunk.ids().index(key)
        return self._before[index] + bisect_left(self._shown(index), row) + 1, chunk[row]

    def place(self, user_id: str, details: Details) -> Place:
        """Return the place of a known user."""
        found = self.rank_of(user_id)
        (entry,) = self.entries([found]) if found else (None,)
        return Place(user_id, details.username, self.total, entry, details)

    def entries(self, ranked: Sequence[tuple[int, ArchivedRow]], behind: Entry | None = None) -> tuple[Entry, ...]:
        """Return rows that follow each other as entries, with the names of their players and shared places.

        `behind` is the entry before them, if it is known, which spares a look for the first place.
        """
        if not ranked:
            return ()
        known = people.find_details(self._connection, {row.user_id for _, row in ranked})
        made = [self._entry(rank, row).with_details(known[row.user_id].details) for rank, row in ranked]
        if not self._order.shares_places:
            return tuple(made)
        if behind is None:
            return with_places(made, self._place_shared_by(made[0].score, ranked[0][1].second))
        is_level = (behind.score, behind.second) == (made[0].score, made[0].second)
        return with_places(made, behind.place if is_level and behind.place else made[0].rank)

    def _entry(self, rank: int, row: ArchivedRow) -> Entry:
        second = row.second if self.has_second else None
        return Entry(row.user_id, "", row.score, rank, row.milliseconds, second)

    def _ahead_of(self, key: _Key, *, inclusive: bool = False) -> int:
        index = bisect_right(self._first_keys, key) - 1
        if index < 0:
            return 0
        chunk, shown = self._chunk(index), self._shown(index)
        find = bisect_right if inclusive else bisect_left
        return self._before[index] + find(shown, key, key=lambda row: self._key(*chunk.scores_at(row)))

    def _key(self, score: int, second: int, tie: float) -> _Key:
        return self._order.sign * score, self._order.second_sign * second, tie

    def _shown(self, index: int) -> list[int]:
        """Return which rows of a chunk are shown."""
        chunk = self._chunk(index)
        shown = [row for row, reasons in enumerate(chunk.reasons()) if not is_off(reasons)]
        return [row for row in shown if chunk.id_at(row) not in self._suspended] if self._suspended else shown

    def _chunk(self, index: int) -> Chunk:
        if index not in self._chunks:
            self._chunks = {index: archives.chunk(self._connection, *self._of, self._heads[index].chunk)}
        return self._chunks[index]


def page(connection: Connection, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
    """Return what `standings.page` has returned before the period was archived."""
    version, now = standings.version(connection)
    board = ArchivedBoard(connection, board_id, period_id)
    ranked = _selected(board, limit, which)
    head = BoardHead(standings.DATABASE_EPOCH, version, to_milliseconds(now), board.total, board.entries(ranked))
    positions = tuple(Position(row.score, row.tie, row.second) for _, row in ranked)
    return Page(head, ranked[0][0] - 1 if ranked else 0, which.kind != "around" or bool(ranked), positions)


def count(connection: Connection, board_id: str, period_id: str) -> int:
    """Return the number of ranked players."""
    return ArchivedBoard(connection, board_id, period_id).total


def read_board(
    connection: Connection, board_id: str, period_id: str, rows_at_once: int
) -> tuple[int, Generator[list[Entry]]]:
    """Return how many rows a board has, and pages of them in order."""
    board = ArchivedBoard(connection, board_id, period_id)
    return board.total, _pages(board, rows_at_once)


def first_places(connection: Connection, board_id: str, period_id: str, within: int) -> list[tuple[str, int]]:
    """Return the players whose places are `within` so many, as `standings.first_places` does."""
    board = ArchivedBoard(connection, board_id, period_id)
    found: list[tuple[str, int]] = []
    for entries in _pages(board, within):
        for entry in entries:
            place = entry.place or entry.rank
            if place > within:
                return sorted(found, key=lambda each: (each[1], each[0]))
            found.append((entry.user_id, place))
    return sorted(found, key=lambda each: (each[1], each[0]))


def _pages(board: ArchivedBoard, rows_at_once: int) -> Generator[list[Entry]]:
    behind: Entry | None = None
    for start in range(1, board.total + 1, rows_at_once):
        entries = board.entries(board.rows(start, start + rows_at_once), behind)
        behind = entries[-1]
        yield list(entries)


def _selected(board: ArchivedBoard, limit: int, which: Selection) -> list[tuple[int, ArchivedRow]]:
    if which.kind == "first":
        return board.rows(1, limit + 1)
    if which.kind == "after":
        ahead = board.ahead_of(which.position, inclusive=True)
        return board.rows(ahead + 1, ahead + limit + 1)
    if which.kind == "before":
        ahead = board.ahead_of(which.position)
        return board.rows(ahead + 1 - limit, ahead + 1)
    found = board.rank_of(which.user_id)
    if found is None:
        return []
    start = max(0, min(found[0] - 1 - limit // 2, board.total - limit))
    return board.rows(start + 1, start + limit + 1)
