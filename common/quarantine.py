"""The quarantine: inbox entries that could not be applied, kept with the reason so that nothing is lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, delete, select, text

from common.models import score_quarantine
from common.timestamps import from_milliseconds

_PUT = text("""
INSERT INTO score_quarantine (inbox_id, reason, payload) VALUES (:inbox_id, :reason, CAST(:payload AS jsonb))
ON CONFLICT (inbox_id) DO NOTHING
""")

_FIELDS_OF_AN_UPDATE = {"user_id", "action_id", "idempotency_key", "occurred_at", "request_id", "reply_to"}


class SetAside(NamedTuple):
    """An entry, the reason, and what it said: an update's fields, or whatever nobody could read."""

    id: int
    inbox_id: str
    reason: str
    payload: dict[str, Any]
    created_at: datetime


_COLUMNS = tuple(score_quarantine.c[name] for name in SetAside._fields)


def put(connection: Connection, inbox_id: str, reason: str, payload: Mapping[str, str | None]) -> None:
    """Set an entry aside. Safe to run twice. NUL, which PostgreSQL cannot hold, is kept as its escape's text."""
    stored = {_storable(name): value and _storable(value) for name, value in payload.items()}
    values = {"inbox_id": inbox_id, "reason": _storable(reason), "payload": orjson.dumps(stored).decode()}
    connection.execute(_PUT, values)


def _storable(text: str) -> str:
    return text.replace("\0", "\\u0000")


def everything(connection: Connection) -> list[SetAside]:
    """All of it, oldest first."""
    return [SetAside(*row) for row in connection.execute(select(*_COLUMNS).order_by(score_quarantine.c.id))]


def find(connection: Connection, row_id: int) -> SetAside | None:
    """One entry, which nobody else can take out before this transaction ends."""
    statement = select(*_COLUMNS).where(score_quarantine.c.id == row_id).with_for_update()
    row = connection.execute(statement).one_or_none()
    return SetAside(*row) if row else None


def remove(connection: Connection, row_id: int) -> None:
    connection.execute(delete(score_quarantine).where(score_quarantine.c.id == row_id))


def is_update(row: SetAside) -> bool:
    """Whether it says what an update says."""
    return row.payload.keys() - {"source"} == _FIELDS_OF_AN_UPDATE


def accepted_at(row: SetAside) -> datetime:
    """When the inbox took it: its id there begins with that instant."""
    return from_milliseconds(int(row.inbox_id.partition("-")[0]))
