"""The audit log: who changed what, and when. Rows are added and never changed."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from common.postgres.tables import audit_log

COMMAND_LINE = "command line"
"""The actor of changes that an operator makes without an account."""


class Actor(NamedTuple):
    """Who made a change: the user id of an admin, the id of an API key, or `COMMAND_LINE` with the system's user."""

    name: str
    os_user: str | None = None


class AuditRow(NamedTuple):
    """A change. `subject` is the thing or the user that was changed."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


_COLUMNS = tuple(audit_log.c[name] for name in AuditRow._fields)


def add(connection: Connection, actor: Actor, action: str, subject: str, **details: object) -> None:
    """Record a change in the transaction that makes it, so that neither is there without the other."""
    told = {**details, "os_user": actor.os_user} if actor.os_user else details
    connection.execute(insert(audit_log).values(actor=actor.name, action=action, subject=subject, details=told))


def has(connection: Connection, actor: Actor, action: str, subject: str, **details: object) -> bool:
    """Return whether this change of the subject by this actor, with these details, is recorded already."""
    of_subject = (audit_log.c.subject == subject, audit_log.c.action == action, audit_log.c.actor == actor.name)
    return (
        connection.execute(select(audit_log.c.id).where(*of_subject, audit_log.c.details.contains(details))).first()
        is not None
    )


def page(
    connection: Connection,
    limit: int,
    *,
    subject: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    before: int | None = None,
) -> list[AuditRow]:
    """Return the newest `limit` changes of this subject, actor and action before the id, the newest first."""
    wanted = {audit_log.c.subject: subject, audit_log.c.actor: actor, audit_log.c.action: action}
    conditions = [column == value for column, value in wanted.items() if value is not None]
    if before is not None:
        conditions.append(audit_log.c.id < before)
    newest = select(*_COLUMNS).where(*conditions).order_by(audit_log.c.id.desc()).limit(limit)
    return [AuditRow(*row) for row in connection.execute(newest)]


def latest(connection: Connection, count: int) -> list[AuditRow]:
    """Return the newest `count` rows, the oldest of them first."""
    newest = connection.execute(select(*_COLUMNS).order_by(audit_log.c.id.desc()).limit(count))
    return [AuditRow(*row) for row in newest][::-1]
