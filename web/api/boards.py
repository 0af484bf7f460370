"""Boards, periods and users from paths and queries, as typed values."""

from datetime import UTC, datetime

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.fields import is_uuid
from common.contract.requests import BoardQuery
from common.domain import periods
from common.domain.periods import Period
from web.services import services


def asked_period(query: BoardQuery) -> Period:
    """Return the period that a query names. Raises `unknown_board` or `validation_failed`."""
    if query.board not in services().catalogue.current().boards:
        raise ScoreboardError(ErrorCode.UNKNOWN_BOARD, f"There is no board {query.board!r}.")
    try:
        return periods.resolve(query.period, datetime.now(UTC))
    except ValueError:
        raise invalid_field("period", "must be all, daily, weekly, monthly or the id of a period") from None


def parsed_user_id(text: str) -> str:
    """Return a user id in canonical form. Raises `validation_failed`."""
    user_id = text.lower()
    if not is_uuid(user_id):
        raise invalid_field("userId", "must be a UUID")
    return user_id
