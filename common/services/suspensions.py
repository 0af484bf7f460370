"""Suspended users: who is suspended, and how their entries leave every board and come back.

One transaction, with the ledger locked, decides: the user is marked, their standings are hidden, their sessions end,
the audit log has a row, and `users.redis_behind` says that Redis does not know yet. Then Redis is updated
(`sync_to_redis`). A process that dies in between leaves the mark, and the next sweep updates Redis.
"""

import time
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, Engine, Select, func, select, update

from common.postgres import audit, ledger, standings
from common.postgres.audit import Actor
from common.postgres.tables import audit_log, users
from common.redis_store.board import Board, Projected
from common.redis_store.inbox import Inbox

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
    standings.hide(connection, decision.user_id, is_hidden=decision.suspended)
    action = _SUSPEND if decision.suspended else _REINSTATE
    actor = Actor(decision.actor, decision.os_user)
    audit.add(connection, actor, action, decision.user_id, reason=decision.reason)
    return True


def is_suspended(connection: Connection, user_id: str, *, keep: bool = False) -> bool:
    """Return whether the user is suspended. With `keep` that cannot change until this transaction ends."""
    statement = select(users.c.suspended_at).where(users.c.id == user_id)
    return connection.execute(statement.with_for_update(read=True) if keep else statement).scalar() is not None


def pending_sync(connection: Connection) -> Sequence[str]:
    """Return the users whose suspension or reinstatement Redis may not show yet."""
    return connection.scalars(select(users.c.id).where(users.c.redis_behind)).all()


def sync_to_redis(engine: Engine, board: Board, inbox: Inbox, user_id: str) -> None:
    """Bring Redis up to date with what the database says of a user. Safe to run twice.

    A board that is being rebuilt takes the rows in (`project.lua`); one that Redis does not have needs nothing, because
    its rebuild reads the database.
    """
    with engine.connect() as connection:
        decision = connection.scalar(_last_decision(user_id))
        rows = sorted(standings.of_players(connection, [user_id]), key=lambda row: row.key)
    boards = {key: list(group) for key, group in groupby(rows, key=lambda row: row.key.board)}
    now = int(time.time() * 1000)
    answers = dict(zip(boards, board.project(list(boards.values()), now, ("", "")) if boards else (), strict=True))
    board.forget_username(user_id)
    shown = {key: answer.seq for key, answer in answers.items() if isinstance(answer, Projected)}
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
