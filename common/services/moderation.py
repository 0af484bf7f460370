"""Suspending and reinstating users, from the decision in PostgreSQL to the boards in Redis."""

from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine

from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services import showing, suspensions
from common.services.revocations import Revocations
from common.services.suspensions import Decision

log = structlog.get_logger(__name__)


class Moderator:
    """Suspends and reinstates users."""

    def __init__(self, engine: Engine, revocations: Revocations, board: Board, inbox: Inbox) -> None:
        self._engine = engine
        self._revocations = revocations
        self._board = board
        self._inbox = inbox

    def carry_out(self, decision: Decision) -> None:
        """Carry out a decision. Safe to run twice. Raises SQLAlchemyError with nothing changed.

        Only after a COMMIT without a reply is it unknown whether anything changed. If Redis is away, or goes away in
        the middle, a worker updates it later.
        """
        if decision.suspended:
            is_new = self._revocations.suspend(decision, datetime.now(UTC))
        else:
            with self._engine.begin() as connection:
                is_new = suspensions.decide(connection, decision)
        log.info(
            "user_moderated",
            user_id=decision.user_id,
            suspended=decision.suspended,
            actor=decision.actor,
            reason=decision.reason,
            is_new=is_new,
        )
        showing.show_if_possible(self._engine, self._board, self._inbox, decision.user_id)
