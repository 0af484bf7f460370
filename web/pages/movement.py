"""Where the players of a list stood yesterday: the page shows how many places they have gained since.

They are read again every half minute, also where that fails, so that no page waits for PostgreSQL each time.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from common.contract.constants import ALL_TIME
from common.domain.boards import Board
from common.domain.entries import BoardHead
from common.postgres import day_marks
from web.services import Services
from web.shared_reads import SharedReads

log = structlog.get_logger(__name__)

READ_EVERY_SECONDS = 30.0

_READS = "ranks_of_yesterday"

Ranks = Mapping[str, int]


def init_app(app: Flask) -> None:
    app.extensions[_READS] = SharedReads[tuple[str, int], Ranks](READ_EVERY_SECONDS)


def ranks_of_yesterday(adapters: Services, board: Board, period_id: str, top: BoardHead | None) -> Ranks:
    """Return the ranks that players of this list had yesterday (UTC), by the id on the list; nobody's who is not named.

    Only the list of all time has them, on a board that counts days.
    """
    if top is None or not top.entries or period_id != ALL_TIME or not day_marks.has_marks(board):
        return {}
    user_ids = [entry.user_id for entry in top.entries]
    reads: SharedReads[tuple[str, int], Ranks] = current_app.extensions[_READS]
    return reads.get((board.id, len(user_ids)), lambda: _read(adapters, board.id, user_ids))


def _read(adapters: Services, board_id: str, user_ids: list[str]) -> Ranks:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    try:
        with adapters.engine.connect() as connection:
            return day_marks.ranks_on(connection, board_id, yesterday, user_ids)
    except SQLAlchemyError as error:
        log.warning("page_without_movement", error=type(error).__name__)
        return {}
