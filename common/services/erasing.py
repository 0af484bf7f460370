"""Erasing players, from the decision in PostgreSQL to the boards in Redis."""

from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, Engine

from common.postgres import audit, erasure
from common.postgres.audit import Actor
from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services import showing
from common.services.revocations import Revocations

log = structlog.get_logger(__name__)


class Eraser:
    """Erases accounts."""

    def __init__(self, engine: Engine, revocations: Revocations, board: Board, inbox: Inbox, secret_key: bytes) -> None:
        self._engine = engine
        self._revocations = revocations
        self._board = board
        self._inbox = inbox
        self._secret_key = secret_key

    def erase(self, user_id: str, actor: Actor) -> bool:
        """Erase an account. Returns False if it is erased already. Safe to run twice.

        Raises SQLAlchemyError with nothing changed. If Redis is away, or goes away in the middle, a worker updates it.
        """
        now = datetime.now(UTC)

        def in_database(connection: Connection) -> bool:
            is_new = erasure.erase(connection, user_id, self._secret_key, now)
            if is_new:
                audit.add(connection, actor, "erase_user", user_id)
            return is_new

        is_new, ended = self._revocations.end_all(user_id, "erasure", now, in_database)
        log.info("user_erased", user_id=user_id, actor=actor.name, is_new=is_new, sessions=ended)
        showing.show_if_possible(self._engine, self._board, self._inbox, user_id)
        return is_new
