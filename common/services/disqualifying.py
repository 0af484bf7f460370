"""Taking players off one board and letting them back, from the decision in PostgreSQL to the boards in Redis."""

import structlog
from sqlalchemy import Connection, Engine

from common.domain.corrections import Told
from common.domain.standing import BoardId, Hidden
from common.postgres import archive_index, audit, disqualifications, ledger, standings
from common.postgres.audit import Actor
from common.postgres.disqualifications import Disqualification
from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services import showing
from common.services.corrections import record_amendments, refuse_to_change

log = structlog.get_logger(__name__)


class Referee:
    """Disqualifies players, and lets them back."""

    def __init__(self, engine: Engine, board: Board, inbox: Inbox) -> None:
        self._engine = engine
        self._board = board
        self._inbox = inbox

    def disqualify(self, board_id: str, user_id: str, told: Told, actor: Actor) -> Disqualification | None:
        """Take a player off a board, and return the disqualification. Safe to repeat: the first reason stays.

        Raises `period_archived` for what would change an archived period, and SQLAlchemyError, with nothing changed. If
        Redis is away, or goes away in the middle, a worker updates it.
        """
        return self._decide(board_id, user_id, told, actor, is_off=True)

    def requalify(self, board_id: str, user_id: str, told: Told, actor: Actor) -> Disqualification | None:
        """Let a player back on a board. Safe to repeat. Raises as `disqualify` does."""
        return self._decide(board_id, user_id, told, actor, is_off=False)

    def _decide(
        self, board_id: str, user_id: str, told: Told, actor: Actor, *, is_off: bool
    ) -> Disqualification | None:
        with self._engine.begin() as connection:
            ledger.lock_exclusive(connection)
            before = disqualifications.read(connection, board_id, user_id)
            amends = bool(before and before.amends) if told.amends is None else told.amends
            if is_off:
                is_new = disqualifications.add(
                    connection, board_id, user_id, actor=actor.name, reason=told.reason, amends=amends
                )
            else:
                is_new = disqualifications.remove(connection, board_id, user_id)
            # Also where nothing is new: closed periods may still be as they were.
            moved = standings.hide(
                connection, user_id, Hidden.DISQUALIFIED, is_hidden=is_off, only_open=not amends, board_id=board_id
            )
            if amends:
                refuse_to_change(_archived(connection, board_id, user_id, is_off=is_off))
            if is_new or moved:
                showing.mark_behind(connection, [user_id])
                details = {"user": user_id, "amend_closed": amends, "reason": told.reason}
                audit.add(connection, actor, "disqualify" if is_off else "requalify", board_id, **details)
                record_amendments(connection, moved, actor, told.reason)
            now = disqualifications.read(connection, board_id, user_id)
        if is_off:
            log.info("player_disqualified", user_id=user_id, board=board_id, actor=actor.name, is_new=is_new)
        else:
            log.info("player_requalified", user_id=user_id, board=board_id, actor=actor.name, is_new=is_new)
        if is_new or moved:
            showing.show_if_possible(self._engine, self._board, self._inbox, user_id)
        return now


def _archived(connection: Connection, board_id: str, user_id: str, *, is_off: bool) -> list[BoardId]:
    """Return the archived periods of a board in which a player would be shown no more, or again."""
    found = [each for each in archive_index.of_player(connection, user_id) if each.board_id == board_id]
    if is_off:
        return [each.board for each in found if not each.where.is_off]
    rows = {each.board: archive_index.row_of(connection, each, user_id) for each in found if each.where.is_off}
    return [board for board, row in rows.items() if row.hidden_for & Hidden.DISQUALIFIED]
