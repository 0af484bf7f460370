"""Snapshots: the head and the size of a board as they were at an instant, kept in PostgreSQL.

They hold no names, only ids: who a player is, and whether anybody may know, is looked up when a snapshot is read.

All of them stay for some days; later the last one of each day (UTC) does, for ever.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Engine, select, text, tuple_

from common.core.timestamps import format_milliseconds, parse_instant, to_milliseconds
from common.domain.entries import Entry
from common.domain.standing import BoardId
from common.postgres import stored_boards, tables

HEAD = 100
"""How many entries a snapshot keeps."""

_STORE = text("""
INSERT INTO snapshots (board_id, period_id, taken_at, total, entries)
VALUES (:board, :period, :taken_at, :total, CAST(:entries AS jsonb))
ON CONFLICT (board_id, period_id, taken_at) DO NOTHING
""")


# A snapshot that is looked at is deleted, or marked and never looked at again: so the cost follows what has grown old,
# and not what is kept. What another process has marked or deleted meanwhile is passed over.
_THIN = text("""
WITH old AS (
    SELECT s.id, EXISTS (
        SELECT FROM snapshots later
        WHERE (later.board_id, later.period_id) = (s.board_id, s.period_id) AND later.taken_at > s.taken_at
            AND later.taken_at < date_trunc('day', s.taken_at, 'UTC') + interval '1 day'
    ) AS is_followed
    FROM snapshots s WHERE s.taken_at < :before AND NOT s.ends_its_day ORDER BY s.taken_at, s.id LIMIT :limit
),
kept AS (
    UPDATE snapshots s SET ends_its_day = true FROM old WHERE s.id = old.id AND NOT old.is_followed
),
deleted AS (
    DELETE FROM snapshots s USING old WHERE s.id = old.id AND old.is_followed RETURNING s.id
)
SELECT (SELECT count(*) FROM old) AS looked_at, (SELECT count(*) FROM deleted) AS deleted
""")

_WANTED = text("""
SELECT b, p FROM json_to_recordset(CAST(:boards AS json)) AS sent(b text, p text)
WHERE EXISTS (SELECT FROM standings WHERE (board_id, period_id) = (sent.b, sent.p) OFFSET 0)
    AND NOT EXISTS (SELECT FROM periods WHERE (board_id, period_id) = (sent.b, sent.p) AND closed_at IS NOT NULL)
""")


class Head(NamedTuple):
    """The number of players of a board, and its first rows."""

    total: int
    entries: Sequence[Entry]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the entries as they are stored."""
        return [_stored(entry) for entry in self.entries]


class Snapshot(NamedTuple):
    """A stored snapshot without its entries."""

    id: int
    board_id: str
    period_id: str
    taken_at: datetime
    total: int


class Thinned(NamedTuple):
    """How many snapshots were looked at, and how many of them are deleted."""

    looked_at: int
    deleted: int


_SUMMARY = tuple(tables.snapshots.c[name] for name in Snapshot._fields)


def due_at(now: datetime, minutes: int) -> datetime:
    """Return the latest instant at which a snapshot was due: a whole multiple of `minutes` since midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // timedelta(minutes=minutes) * timedelta(minutes=minutes)


def read(engine: Engine, board_id: str, period_id: str) -> Head:
    """Return a board's head and size, both of one instant."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        head = stored_boards.top(connection, board_id, period_id, HEAD)
    return Head(head.total, head.entries)


def store(connection: Connection, board_id: str, period_id: str, taken_at: datetime, head: Head) -> bool:
    """Store a head unless this (board, period, instant) is stored already. Return whether it was stored."""
    values = {
        "board": board_id,
        "period": period_id,
        "taken_at": taken_at,
        "total": head.total,
        "entries": orjson.dumps(head.to_json()).decode(),
    }
    return connection.execute(_STORE, values).rowcount == 1


def wanted(connection: Connection, boards: Sequence[BoardId]) -> set[BoardId]:
    """Return those of these boards that have standings which may still change."""
    sent = orjson.dumps([{"b": board_id, "p": period_id} for board_id, period_id in boards]).decode()
    return {(row.b, row.p) for row in connection.execute(_WANTED, {"boards": sent})}


def is_newest(connection: Connection, board_id: str, period_id: str, head: Head) -> bool:
    """Return whether a board's newest snapshot equals this head."""
    newest = page(connection, board_id, period_id, 1, None)
    found = find(connection, newest[0].id) if newest else None
    return (
        found is not None and found[0].total == head.total and found[1] == [_entry(stored) for stored in head.to_json()]
    )


def thin(connection: Connection, before: datetime, limit: int) -> Thinned:
    """Look at up to `limit` snapshots that were taken before this instant, and delete those that do not end their day.

    The instant is a midnight (UTC), so that a day is looked at as a whole. Safe to run twice and at the same time.
    """
    return Thinned(*connection.execute(_THIN, {"before": before, "limit": limit}).one())


def newest_at(connection: Connection, board_id: str, period_id: str, instant: datetime) -> Snapshot | None:
    """Return the newest snapshot that was taken at this instant or before; None if there is none."""
    table = tables.snapshots
    of_board = (table.c.board_id == board_id, table.c.period_id == period_id, table.c.taken_at <= instant)
    row = connection.execute(select(*_SUMMARY).where(*of_board).order_by(table.c.taken_at.desc()).limit(1)).first()
    return Snapshot(*row) if row else None


def page(
    connection: Connection, board_id: str, period_id: str, limit: int, before: tuple[datetime, int] | None
) -> Sequence[Snapshot]:
    """Return up to `limit` snapshots, the newest first, after the one with this (taken_at, id)."""
    table = tables.snapshots
    statement = select(*_SUMMARY).where(table.c.board_id == board_id, table.c.period_id == period_id)
    if before:
        statement = statement.where(tuple_(table.c.taken_at, table.c.id) < before)
    statement = statement.order_by(table.c.taken_at.desc(), table.c.id.desc()).limit(limit)
    return [Snapshot(*row) for row in connection.execute(statement)]


def find(connection: Connection, snapshot_id: int) -> tuple[Snapshot, list[Entry]] | None:
    """Return one snapshot and its entries, without names; None if there is no such snapshot."""
    statement = select(*_SUMMARY, tables.snapshots.c.entries).where(tables.snapshots.c.id == snapshot_id)
    row = connection.execute(statement).one_or_none()
    return (Snapshot(*row[:-1]), [_entry(stored) for stored in row[-1]]) if row else None


def _stored(entry: Entry) -> dict[str, Any]:
    stored: dict[str, Any] = {
        "userId": entry.user_id,
        "score": entry.score,
        "rank": entry.rank,
        "lastUpdated": format_milliseconds(entry.updated_at),
    }
    if entry.second is not None:
        stored["second"] = entry.second
    if entry.place is not None:
        stored["place"] = entry.place
    return stored


def _entry(stored: Mapping[str, Any]) -> Entry:
    """Read an entry; a version before has stored a username in it, which is as old as the snapshot."""
    updated_at = to_milliseconds(parse_instant(stored["lastUpdated"]))
    scores = (stored["score"], stored["rank"], updated_at, stored.get("second"), stored.get("place"))
    return Entry(stored["userId"], "", *scores)
