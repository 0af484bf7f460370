"""Suspended users: who is suspended, and how their entries leave every board and come back.

One transaction, with the ledger locked, decides: the user is marked, their standings are hidden, their sessions end,
the audit log has a row, and the mark is set by which Redis is updated (`common/services/showing.py`).
"""

from typing import NamedTuple

from sqlalchemy import Connection, func, select, update

from common.domain.standing import Hidden
from common.postgres import audit, ledger, standings
from common.postgres.audit import Actor
from common.postgres.tables import users

COMMAND_LINE = audit.COMMAND_LINE
"""The actor of changes that an operator makes without an account."""

_SUSPEND, _REINSTATE = "suspend", "reinstate"


class Decision(NamedTuple):
    """A suspension or reinstatement. `actor` is an admin's user id, or `COMMAND_LINE` with the system's `os_user`."""

    user_id: str
    suspended: bool
    actor: str
    reason: str
    os_user: str | None = None


def decide(connection: Connection, decision: Decision) -> bool:
    """Suspend or reinstate a user. Returns False, with nothing changed, if that is the user's state already.

    Raises OperationalError if the ledger cannot be locked within a second.
    """
    ledger.lock_exclusive(connection)
    marked = connection.execute(
        update(users)
        .where(users.c.id == decision.user_id, users.c.suspended_at.is_(None) == decision.suspended)
        .values(suspended_at=func.now() if decision.suspended else None, redis_behind=True)
    )
    if marked.rowcount == 0:
        return False
    standings.hide(connection, decision.user_id, Hidden.SUSPENDED, is_hidden=decision.suspended)
    action = _SUSPEND if decision.suspended else _REINSTATE
    actor = Actor(decision.actor, decision.os_user)
    audit.add(connection, actor, action, decision.user_id, reason=decision.reason)
    return True


def is_suspended(connection: Connection, user_id: str, *, keep: bool = False) -> bool:
    """Return whether the user is suspended. With `keep` that cannot change until this transaction ends."""
    statement = select(users.c.suspended_at).where(users.c.id == user_id)
    return connection.execute(statement.with_for_update(read=True) if keep else statement).scalar() is not None
