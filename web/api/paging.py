"""Pages of lists: one row more than a page holds is read, and a cursor names the position of the last one shown."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from common.domain import cursors
from common.domain.cursors import Position
from web.services import services

Row = TypeVar("Row")


def position_in(cursor: str | None, scope: str) -> Position | None:
    """Return the position behind which a page begins, or None for the first page. Raises `invalid_cursor`."""
    return None if cursor is None else cursors.decode(services().settings.secret_keys, scope, cursor)


def paged(
    rows: Sequence[Row], limit: int, scope: str, position_of: Callable[[Row], Position]
) -> tuple[Sequence[Row], str | None]:
    """Return the first `limit` of the rows, and the cursor of the page after them if there are more."""
    shown = rows[:limit]
    if len(rows) <= len(shown):
        return shown, None
    return shown, cursors.encode(services().settings.secret_keys[0], scope, position_of(shown[-1]))
