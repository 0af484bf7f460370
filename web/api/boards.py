"""Boards, periods and users from paths and queries, as typed values."""

from datetime import UTC, datetime
from typing import NamedTuple

from common.contract.errors import invalid_field
from common.contract.fields import is_uuid
from common.contract.requests import BoardQuery, PlayerBoardsQuery
from common.domain.boards import Board, Visibility
from common.domain.periods import Period
from common.domain.seasons import names_a_season
from common.domain.standing import BoardId
from web import board_pages
from web.guards.board_access import board_for_caller, boards_for_caller
from web.services import services


class Asked(NamedTuple):
    """What a read is about. `is_private`: the answer is not for everybody, so that no shared cache may keep it."""

    board: Board
    period: Period

    @property
    def is_private(self) -> bool:
        return self.board.visibility is not Visibility.PUBLIC


def asked(query: BoardQuery, at: datetime | None = None) -> Asked:
    """Return the board and the period that a query names: by a name the one that is open `at` this instant, or now.

    Raises the errors of `board_access.ERRORS`, `validation_failed`, or `no_season`.
    """
    board = board_for_caller(services().catalogue.current().boards, query.board)
    return Asked(board, board_pages.period_of(query, board, at or datetime.now(UTC)))


def asked_period(query: BoardQuery) -> Period:
    """Return the period that a query names. Raises as `asked` does."""
    return asked(query).period


def asked_boards(query: PlayerBoardsQuery) -> list[BoardId]:
    """Return the boards that the caller may see, in the period that a query names. Raises `validation_failed`."""
    now = datetime.now(UTC)
    if not names_a_season(query.period):
        board_pages.named_period(query.period, now)  # one that no board can have is a mistake
    seen = boards_for_caller(services().catalogue.current().boards, now)
    found = ((board.id, board.find_period(query.period, now)) for board in seen)
    return [(board_id, period.id) for board_id, period in found if period]


def parsed_user_id(text: str) -> str:
    """Return a user id in canonical form. Raises `validation_failed`."""
    user_id = text.lower()
    if not is_uuid(user_id):
        raise invalid_field("userId", "must be a UUID")
    return user_id
