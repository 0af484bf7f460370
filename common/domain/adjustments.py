"""An admin's adjustment of a score: on which boards there is one, and the update that it becomes. Pure.

It takes the way of every update, through the inbox into the ledger, under an action that the board brings with it
(ADR 29). So it counts exactly once, in the periods of its acceptance, and is found wherever updates are.
"""

from datetime import datetime
from typing import NamedTuple

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.core.timestamps import format_instant
from common.domain import rules
from common.domain.boards import Board
from common.domain.inbox_entries import Update
from common.domain.scoring import Action, adjustment_of


class Adjustment(NamedTuple):
    """What an admin adds to a score, or takes off it. `source` is as in the ledger."""

    user_id: str
    board: Board
    amount: int
    second: int | None
    reason: str
    idempotency_key: str
    source: str

    @property
    def action(self) -> Action:
        """The action of the board. Raises `rule_has_no_adjustment`."""
        action = adjustment_of(self.board)
        if action is None:
            message = f"{self.board.id} has the rule {self.board.rule}, which keeps one value and adds nothing up."
            raise ScoreboardError(ErrorCode.RULE_HAS_NO_ADJUSTMENT, message)
        return action

    def check(self) -> None:
        """Raise the error for what can be on no board, or not on this one."""
        self.action  # noqa: B018 - raises
        if self.second is not None and self.board.second is None:
            raise invalid_field("second", f"must be left out: {self.board.id} has no second score")
        if not self.amount and not self.second:
            raise invalid_field("amount", "must not be 0, which changes nothing")

    def check_open(self, now: datetime) -> None:
        """Raise `board_closed` or `board_not_open` if the board takes no update now, whatever the clocks say."""
        refusals = rules.refusals_about(self.action, now, {self.board.id: self.board})
        if None not in refusals:
            raise ScoreboardError(refusals.pop() or ErrorCode.BOARD_CLOSED)

    def to_update(self, request_id: str, now: datetime) -> Update:
        """Return the update of this request."""
        return Update(
            user_id=self.user_id,
            action_id=self.action.id,
            idempotency_key=self.idempotency_key,
            occurred_at=format_instant(now),
            request_id=request_id,
            source=self.source,
            value=self.amount,
            second=self.second,
        )
