"""Snapshots: the head and the size of a board as they were at an instant, kept in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, delete, select, text, tuple_

from common import models, standings
from common.wire import Entry

HEAD = 100
"""How many entries a snapshot keeps."""

_KEEP = text("""
INSERT INTO snapshots (board_id, period_id, taken_at, total, entries)
VALUES (:board, :period, :taken_at, :total, CAST(:entries AS jsonb))
ON CONFLICT (board_id, period_id, taken_at) DO NOTHING
""")


class Snapshot(NamedTuple):
    """A stored snapshot without its entries."""

    id: int
    board_id: str
    period_id: str
    taken_at: datetime
    total: int


_SUMMARY = tuple(models.snapshots.c[name] for name in Snapshot._fields)


def due_at(now: datetime, minutes: int) -> datetime:
    """The latest instant at which a snapshot was due: whole multiples of `minutes` since midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // timedelta(minutes=minutes) * timedelta(minutes=minutes)


def take(connection: Connection, board_id: str, period_id: str, taken_at: datetime) -> bool:
    """Store a board's head, unless this (board, period, instant) is stored already."""
    head = standings.top(connection, board_id, period_id, HEAD)
    values = {
        "board": board_id,
        "period": period_id,
        "taken_at": taken_at,
        "total": head.total,
        "entries": orjson.dumps([entry.to_wire() for entry in head.entries]).decode(),
    }
    return connection.execute(_KEEP, values).rowcount == 1


def prune(connection: Connection, older_than: datetime) -> int:
    """Delete what is older; how many there were."""
    return connection.execute(delete(models.snapshots).where(models.snapshots.c.taken_at < older_than)).rowcount


def page(
    connection: Connection, board_id: str, period_id: str, limit: int, before: tuple[datetime, int] | None
) -> Sequence[Snapshot]:
    """Up to `limit` snapshots, newest first, after the one with this (taken_at, id)."""
    table = models.snapshots
    statement = select(*_SUMMARY).where(table.c.board_id == board_id, table.c.period_id == period_id)
    if before:
        statement = statement.where(tuple_(table.c.taken_at, table.c.id) < before)
    statement = statement.order_by(table.c.taken_at.desc(), table.c.id.desc()).limit(limit)
    return [Snapshot(*row) for row in connection.execute(statement)]


def find(connection: Connection, snapshot_id: int) -> tuple[Snapshot, list[Entry]] | None:
    """One snapshot with its entries as they go over the wire."""
    statement = select(*_SUMMARY, models.snapshots.c.entries).where(models.snapshots.c.id == snapshot_id)
    row = connection.execute(statement).one_or_none()
    return (Snapshot(*row[:-1]), row[-1]) if row else None
