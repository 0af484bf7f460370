"""Boards, periods and users from paths and queries, as typed values."""

from datetime import UTC, datetime

from common.contract.errors import invalid_field
from common.contract.fields import is_uuid
from common.contract.requests import BoardQuery
from common.domain.periods import Period
from web import board_pages
from web.services import services


def asked_period(query: BoardQuery) -> Period:
    """Return the period that a query names. Raises `unknown_board` or `validation_failed`."""
    return board_pages.period_of(query, services().catalogue.current().boards, datetime.now(UTC))


def parsed_user_id(text: str) -> str:
    """Return a user id in canonical form. Raises `validation_failed`."""
    user_id = text.lower()
    if not is_uuid(user_id):
        raise invalid_field("userId", "must be a UUID")
    return user_id
