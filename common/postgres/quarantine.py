"""The quarantine: inbox entries that could not be applied, kept with the reason so that nothing is lost."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, delete, func, select, text

from common.domain import inbox_entries
from common.domain.inbox_entries import Delivery, MalformedEntry
from common.postgres.tables import score_quarantine

_PUT = text("""
INSERT INTO score_quarantine (inbox_id, reason, payload, accepted_at, entry)
VALUES (:inbox_id, :reason, CAST(:payload AS jsonb), :accepted_at, CAST(:entry AS jsonb))
ON CONFLICT (inbox_id) DO NOTHING
""")


class QuarantinedEntry(NamedTuple):
    """A quarantined entry with the reason. `payload` has the fields of an update, or what could not be decoded.

    `accepted_at` and `entry` (the stream entry's fields) are None in rows that a version before 0010 wrote.
    """

    id: int
    inbox_id: str
    reason: str
    payload: dict[str, Any]
    created_at: datetime
    accepted_at: datetime | None
    entry: dict[str, str] | None


_COLUMNS = tuple(score_quarantine.c[name] for name in QuarantinedEntry._fields)


def put(connection: Connection, entry: Delivery | MalformedEntry, reason: str) -> None:
    """Quarantine an entry. Safe to run twice. NUL, which PostgreSQL cannot hold, is kept as its escape's text."""
    values = {
        "inbox_id": entry.inbox_id,
        "reason": _storable(reason),
        "payload": _stored(asdict(entry.update) if isinstance(entry, Delivery) else entry.fields),
        "accepted_at": inbox_entries.accepted_at(entry.inbox_id, entry.fields),
        "entry": _stored(entry.fields),
    }
    connection.execute(_PUT, values)


def _stored(values: Mapping[str, str | None]) -> str:
    return orjson.dumps({_storable(name): value and _storable(value) for name, value in values.items()}).decode()


def _storable(text: str) -> str:
    return text.replace("\0", "\\u0000")


def page(connection: Connection, after: int, limit: int) -> list[QuarantinedEntry]:
    """Return the first `limit` quarantined entries with ids greater than `after`, the oldest first."""
    newer = select(*_COLUMNS).where(score_quarantine.c.id > after)
    return [QuarantinedEntry(*row) for row in connection.execute(newer.order_by(score_quarantine.c.id).limit(limit))]


def greatest_id(connection: Connection) -> int:
    """Return the id of the newest row; 0 if there is none."""
    return connection.scalar(select(func.max(score_quarantine.c.id))) or 0


def ids(connection: Connection, after: int, last: int, limit: int) -> list[int]:
    """Return the first `limit` ids that are greater than `after` and not greater than `last`, in order."""
    within = (score_quarantine.c.id > after, score_quarantine.c.id <= last)
    statement = select(score_quarantine.c.id).where(*within).order_by(score_quarantine.c.id).limit(limit)
    return list(connection.scalars(statement))


def find(connection: Connection, row_id: int) -> QuarantinedEntry | None:
    """Return one entry and lock it, so that nobody else removes it before this transaction ends."""
    statement = select(*_COLUMNS).where(score_quarantine.c.id == row_id).with_for_update()
    row = connection.execute(statement).one_or_none()
    return QuarantinedEntry(*row) if row else None


def remove(connection: Connection, row_id: int) -> None:
    connection.execute(delete(score_quarantine).where(score_quarantine.c.id == row_id))


def entry(row: QuarantinedEntry) -> dict[str, str]:
    """Return the fields of the quarantined stream entry.

    A row of an earlier version has only the payload, which for an undecodable entry is the fields themselves.
    """
    if row.entry is not None:
        return row.entry
    if "user_id" in row.payload:
        return {"update": orjson.dumps(row.payload).decode()}
    return {name: str(value) for name, value in row.payload.items()}


def accepted_at(row: QuarantinedEntry) -> datetime:
    """Return when the update was accepted; for a row of an earlier version, when it last entered the inbox."""
    return row.accepted_at or inbox_entries.accepted_at(row.inbox_id, entry(row))
