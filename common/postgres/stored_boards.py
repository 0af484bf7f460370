"""A board as PostgreSQL has it: in `standings`, or, of a day that is archived, in `archives`.

Whoever reads a period by its id asks here. Nothing but days is archived, and only some days after their end, so that
any other period costs no look.

All that belongs together must be read in one REPEATABLE READ transaction: a period may be archived meanwhile.
"""

from collections.abc import Callable, Collection, Generator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from common.domain import periods
from common.domain.details import Details
from common.domain.entries import BoardHead, Entry, Place
from common.domain.pagination import FIRST, Page, Selection
from common.domain.standing import Standing, StandingKey
from common.postgres import archive_index, archived_boards, archives, people, standings
from common.postgres.archived_boards import ArchivedBoard

_NEVER_WITHIN = timedelta(days=1)
"""No day is archived so soon after its end, whatever the clocks say: it is still in Redis for days."""


def page(connection: Connection, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
    """Return the rows of a board that are selected, as `standings.page` does."""
    read = archived_boards.page if is_archived(connection, board_id, period_id) else standings.page
    return read(connection, board_id, period_id, limit, which)


def top(connection: Connection, board_id: str, period_id: str, limit: int) -> BoardHead:
    """Return the first `limit` rows of a board."""
    return page(connection, board_id, period_id, limit, FIRST).rows


def place(connection: Connection, board_id: str, period_id: str, user_id: str, details: Details) -> Place:
    """Return the place of a known user."""
    return places_of(connection, board_id, period_id)(user_id, details)


def places_of(connection: Connection, board_id: str, period_id: str) -> Callable[[str, Details], Place]:
    """Return a function that returns the place of a known user on this board."""
    if is_archived(connection, board_id, period_id):
        return ArchivedBoard(connection, board_id, period_id).place
    return partial(standings.place, connection, board_id, period_id)


def count(connection: Connection, board_id: str, period_id: str) -> int:
    """Return the number of ranked players."""
    read = archived_boards.count if is_archived(connection, board_id, period_id) else standings.count
    return read(connection, board_id, period_id)


def read_board(
    connection: Connection, board_id: str, period_id: str, rows_at_once: int
) -> tuple[int, Generator[list[Entry]]]:
    """Return how many rows a board has as it is now, and pages of them, as `standings.read_board` does."""
    read = archived_boards.read_board if is_archived(connection, board_id, period_id) else standings.read_board
    return read(connection, board_id, period_id, rows_at_once)


def first_places(connection: Connection, board_id: str, period_id: str, within: int) -> list[tuple[str, int]]:
    """Return the players whose places are `within` so many, with their places."""
    read = archived_boards.first_places if is_archived(connection, board_id, period_id) else standings.first_places
    return read(connection, board_id, period_id, within)


def read(connection: Connection, standing_keys: Collection[StandingKey]) -> list[Standing]:
    """Return those of these standings that exist, hidden ones too."""
    days: dict[str, list[StandingKey]] = {}
    for key in standing_keys:
        if _may_be_archived(key.period_id):
            days.setdefault(key.user_id, []).append(key)
    archived = [row for user_id, keys in days.items() for row in _archived(connection, user_id, keys)]
    elsewhere = {row.key for row in archived}
    return [*standings.read(connection, [key for key in standing_keys if key not in elsewhere]), *archived]


def is_archived(connection: Connection, board_id: str, period_id: str) -> bool:
    """Return whether a period is archived."""
    return _may_be_archived(period_id) and archives.is_archived(connection, board_id, period_id)


def _may_be_archived(period_id: str) -> bool:
    if periods.name_of(period_id) != "daily":
        return False
    ends_at = periods.parse(period_id).ends_at
    return ends_at is not None and ends_at < datetime.now(UTC) - _NEVER_WITHIN


def _archived(connection: Connection, user_id: str, standing_keys: Collection[StandingKey]) -> Iterator[Standing]:
    places = archive_index.on_boards(connection, user_id, [key.board for key in standing_keys])
    known = people.find_details(connection, [user_id]) if places else {}
    is_suspended = user_id in known and known[user_id].is_suspended
    for found in places:
        row = archive_index.row_of(connection, found, user_id)
        key, is_hidden = StandingKey(*found.board, user_id), row.is_off or is_suspended
        yield Standing(key, row.score, row.tie, row.version, row.milliseconds, is_hidden, row.second)
