"""The trace of an adjustment, left before it is accepted: what an admin asked for, and why."""

from sqlalchemy import Connection, select

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.adjustments import Adjustment
from common.postgres import audit, reserved_actions
from common.postgres.audit import Actor
from common.postgres.tables import users

_AUDITED_AS = "adjust_score"


def note(connection: Connection, adjustment: Adjustment, actor: Actor) -> None:
    """Record who adjusts what, and why, and make the board's action known. Once for the same deed of the same actor.

    It is committed before the inbox accepts the update: a crash in between leaves a trace without an adjustment, and
    never the reverse. Raises `not_found` for a user that is not there, or not any more.
    """
    user = select(users.c.id).where(users.c.id == adjustment.user_id, users.c.erased_at.is_(None))
    if connection.execute(user.with_for_update(key_share=True)).first() is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    reserved_actions.ensure(connection, [adjustment.action])
    details = {
        "board": adjustment.board.id,
        "amount": adjustment.amount,
        "second": adjustment.second or 0,
        "idempotency_key": adjustment.idempotency_key,
    }
    if not audit.has(connection, actor, _AUDITED_AS, adjustment.user_id, **details):
        audit.add(connection, actor, _AUDITED_AS, adjustment.user_id, **details, reason=adjustment.reason)
