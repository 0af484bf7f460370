"""Boards, periods and users from paths and queries, as typed values."""

from datetime import UTC, datetime

from common.contract.errors import invalid_field
from common.contract.fields import is_uuid
from common.contract.requests import BoardQuery
from common.domain.boards import Visibility
from common.domain.periods import Period
from web import board_pages
from web.services import services


def asked_period(query: BoardQuery) -> Period:
    """Return the period that a query names. Raises `unknown_board` or `validation_failed`."""
    return board_pages.period_of(query, services().catalogue.current().boards, datetime.now(UTC))


def period_named(name_or_id: str) -> Period:
    """Return the period of this name or id, of whatever board. Raises `validation_failed`."""
    return board_pages.named_period(name_or_id, datetime.now(UTC))


def listed_boards() -> list[str]:
    """Return the ids of the boards that everybody may see and that are not archived."""
    boards = services().catalogue.current().boards.values()
    return [board.id for board in boards if board.visibility is Visibility.PUBLIC and board.archived_at is None]


def parsed_user_id(text: str) -> str:
    """Return a user id in canonical form. Raises `validation_failed`."""
    user_id = text.lower()
    if not is_uuid(user_id):
        raise invalid_field("userId", "must be a UUID")
    return user_id
