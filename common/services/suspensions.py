"""Suspended users: who is suspended, and how their entries leave every board and come back.

One transaction, with the ledger locked, decides: the user is marked, their standings are hidden, their sessions end,
the audit log has a row, and `users.redis_behind` says that Redis does not know yet. Then Redis is updated
(`sync_to_redis`). A process that dies in between leaves the mark, and the next sweep updates Redis.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, Engine, Select, func, select, update

from common.domain.standing import BoardId
from common.postgres import audit, ledger, standings
from common.postgres.audit import Actor
from common.postgres.tables import audit_log, users
from common.redis_store.board import Board, Projected
from common.redis_store.inbox import Inbox

COMMAND_LINE = audit.COMMAND_LINE
"""The actor of changes that an operator makes without an account."""

BOARDS_AT_ONCE = 250
"""Of a user, in one round trip: who has played for years stands on a board for each day of them."""

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
    standings.hide(connection, decision.user_id, is_hidden=decision.suspended)
    action = _SUSPEND if decision.suspended else _REINSTATE
    actor = Actor(decision.actor, decision.os_user)
    audit.add(connection, actor, action, decision.user_id, reason=decision.reason)
    return True


def is_suspended(connection: Connection, user_id: str, *, keep: bool = False) -> bool:
    """Return whether the user is suspended. With `keep` that cannot change until this transaction ends."""
    statement = select(users.c.suspended_at).where(users.c.id == user_id)
    return connection.execute(statement.with_for_update(read=True) if keep else statement).scalar() is not None


def pending_sync(connection: Connection, limit: int) -> Sequence[str]:
    """Return up to `limit` users whose suspension or reinstatement Redis may not show yet.

    They come in random order, so that none whose turn fails keeps the others from theirs.
    """
    behind = select(users.c.id).where(users.c.redis_behind)
    return connection.scalars(behind.order_by(func.random()).limit(limit)).all()


def sync_to_redis(engine: Engine, board: Board, inbox: Inbox, user_id: str) -> None:
    """Bring Redis up to date with what the database says of a user. Safe to run twice.

    A board that is being rebuilt takes the rows in (`project.lua`); one that Redis does not have needs nothing, because
    its rebuild reads the database.
    """
    with engine.connect() as connection:
        decision = connection.scalar(_last_decision(user_id))
        rows = sorted(standings.of_players(connection, [user_id]), key=lambda row: row.key)
    now = int(time.time() * 1000)
    shown: dict[BoardId, int] = {}
    for start in range(0, len(rows), BOARDS_AT_ONCE):
        some = rows[start : start + BOARDS_AT_ONCE]
        answers = zip(some, board.project([[row] for row in some], now, ()), strict=True)
        shown |= {row.key.board: answer.seq for row, answer in answers if isinstance(answer, Projected)}
    board.forget_username(user_id)
    news = [{"board": board_id, "period": period_id, "seq": seq} for (board_id, period_id), seq in shown.items()]
    inbox.announce(orjson.dumps({"boards": news, "players": [user_id], "at": now}))
    with engine.begin() as connection:
        connection.execute(
            update(users)
            .where(users.c.id == user_id, _last_decision(user_id).scalar_subquery().is_not_distinct_from(decision))
            .values(redis_behind=False)
        )


def _last_decision(user_id: str) -> Select[tuple[int]]:
    decided = audit_log.c.action.in_((_SUSPEND, _REINSTATE))
    return select(func.max(audit_log.c.id)).where(audit_log.c.subject == user_id, decided)
