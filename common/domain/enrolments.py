"""Enrolling a player on a board, where they begin at 0: on which boards, and the update that it becomes. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.core.timestamps import format_instant
from common.domain import rules
from common.domain.boards import Board
from common.domain.inbox_entries import Update
from common.domain.ledger_row import UpdateKey
from common.domain.scoring import Action, enrolment_of

MOST_BOARDS = 8
"""The greatest number of boards that one player is enrolled on at once, as an action feeds."""

_KEY = "enrol--"
"""Begins the idempotency key of an enrolment. With the longest id of a board it is as long as a key may be."""


class Enrolment(NamedTuple):
    """A player who is to stand on a board."""

    user_id: str
    board_id: str
    action: Action

    @property
    def key(self) -> UpdateKey:
        """What the update is known by: there is one for a player and a board."""
        return self.user_id, f"{_KEY}{self.board_id}"

    def to_update(self, source: str, request_id: str, now: datetime) -> Update:
        """Return the update. `source` is as in the ledger."""
        user_id, key = self.key
        return Update(
            user_id=user_id,
            action_id=self.action.id,
            idempotency_key=key,
            occurred_at=format_instant(now),
            request_id=request_id,
            source=source,
            value=0,
        )


def check(board_ids: Iterable[str], boards: Mapping[str, Board], now: datetime) -> None:
    """Raise the error for a board on which nobody can be enrolled now.

    Whichever clock decides must take it: a refusal in the ledger would spend the only key that there is.
    """
    for board_id in board_ids:
        board = boards.get(board_id)
        if board is None:
            raise ScoreboardError(ErrorCode.UNKNOWN_BOARD, f"There is no board {board_id!r}.")
        refused = rules.refusals_about(_action(board), now, {board.id: board}) - {None}
        if refused:
            raise ScoreboardError(ErrorCode.BOARD_CLOSED, f"The board {board_id} is closed.")


def of_players(wanted: Iterable[tuple[str, Iterable[str]]], boards: Mapping[str, Board]) -> list[Enrolment]:
    """Return an enrolment for each user id and each of the boards that stand with it. They were checked before."""
    pairs = {(user_id, board_id) for user_id, board_ids in wanted for board_id in board_ids}
    return [Enrolment(user_id, board_id, _action(boards[board_id])) for user_id, board_id in sorted(pairs)]


def _action(board: Board) -> Action:
    action = enrolment_of(board)
    if action is None:
        message = f"nobody begins at 0 on {board.id}, which has the rule {board.rule}"
        raise invalid_field("boards", message)
    return action
