"""Opening, closing and archiving a board: what its instants become. Pure.

Each may be repeated. An instant that people decide is at least `NOTICE` ahead, so that every process knows of it then
and none counts a second longer than another.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from common.contract.constants import DEFAULT_BOARD
from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.domain.boards import NOTICE, Board

Moment = Callable[[Board, datetime | None, datetime], Board]
"""(board, the instant that is asked for or None for as soon as possible, now) to the board as it shall be."""


def opened(board: Board, at: datetime | None, now: datetime) -> Board:
    """Return the board open from an instant on; a closing that has passed, or is planned, is called off.

    Raises `validation_failed` for an instant that cannot be, `board_immutable` for a board that is archived.
    """
    _refuse_archived(board)
    is_planned = board.opens_at is not None and board.opens_at > now
    if at is None:
        opens_at = min(board.opens_at, now + NOTICE) if board.opens_at and is_planned else board.opens_at
        return replace(board, opens_at=opens_at, closes_at=None)
    if at == board.opens_at:
        return board
    if not is_planned and board.refusal_at(now) is None:
        raise invalid_field("at", "the board is open already")
    _check_notice(at, now)
    return replace(board, opens_at=at, closes_at=None)


def closed(board: Board, at: datetime | None, now: datetime) -> Board:
    """Return the board closed from an instant on. Raises as `opened` does."""
    _refuse_archived(board)
    is_closed = board.closes_at is not None and board.closes_at <= now
    if at == board.closes_at and at is not None:
        return board
    if at is None:
        soon = now + NOTICE
        if board.closes_at is not None and board.closes_at <= soon:
            return board
        at = soon
    elif is_closed:
        raise invalid_field("at", "the board is closed already; open it first")
    _check_notice(at, now)
    if board.opens_at is not None and at <= board.opens_at:
        raise invalid_field("at", "must be after opensAt")
    return replace(board, closes_at=at)


def archived(board: Board, at: datetime | None, now: datetime) -> Board:
    """Return the board archived from an instant on: off every list, without updates, readable by its id for ever.

    Raises `board_immutable` for the default board, `validation_failed` for an instant that cannot be.
    """
    if board.id == DEFAULT_BOARD:
        raise ScoreboardError(ErrorCode.BOARD_IMMUTABLE, f"The board {DEFAULT_BOARD} cannot be archived.")
    if board.archived_at is not None and (at in (None, board.archived_at) or board.archived_at <= now):
        return board
    at = at or now + NOTICE
    _check_notice(at, now)
    return replace(board, archived_at=at)


def _refuse_archived(board: Board) -> None:
    if board.archived_at is not None:
        raise ScoreboardError(ErrorCode.BOARD_IMMUTABLE, f"The board {board.id} is archived, for good.")


def _check_notice(at: datetime, now: datetime) -> None:
    if at < now + NOTICE:
        raise invalid_field("at", f"must be at least {NOTICE.seconds} seconds from now")
