"""Disqualifications: players who are off one board. Their accounts are untouched, and what they do there is counted.

A closed period keeps its standings unless the disqualification amends it. Whoever writes here holds the ledger, and
hides the standings (`standings.hide`); a batch learns of it with its first look (`common/postgres/batch.py`).
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

_READ = text("""
SELECT at, reason, amends FROM disqualifications WHERE board_id = :board AND user_id = CAST(:user AS uuid)
""")
_LIST = text("""
SELECT board_id, actor, at, reason, amends FROM disqualifications WHERE user_id = CAST(:user AS uuid) ORDER BY board_id
""")
_ADD = text("""
INSERT INTO disqualifications AS d (board_id, user_id, at, actor, reason, amends)
SELECT :board, CAST(:user AS uuid),
       GREATEST(statement_timestamp(), (SELECT max(closed_at) FROM periods) + interval '1 microsecond'),
       :actor, :reason, :amends
ON CONFLICT (board_id, user_id) DO UPDATE SET amends = true WHERE excluded.amends AND NOT d.amends
""")
_REMOVE = text("DELETE FROM disqualifications WHERE board_id = :board AND user_id = CAST(:user AS uuid)")


class Disqualification(NamedTuple):
    """That a player is off a board."""

    at: datetime
    reason: str
    amends: bool


def read(connection: Connection, board_id: str, user_id: str) -> Disqualification | None:
    """Return why a player is off a board, or None."""
    row = connection.execute(_READ, {"board": board_id, "user": user_id}).one_or_none()
    return Disqualification(*row) if row else None


class Listed(NamedTuple):
    """A board that a player is off, who decided that, and why."""

    board_id: str
    actor: str
    why: Disqualification


def list_of(connection: Connection, user_id: str) -> list[Listed]:
    """Return the boards that a player is off, in order of their ids."""
    rows = connection.execute(_LIST, {"user": user_id})
    return [Listed(board_id, actor, Disqualification(*why)) for board_id, actor, *why in rows]


def add(connection: Connection, board_id: str, user_id: str, *, actor: str, reason: str, amends: bool) -> bool:
    """Take a player off a board, and return whether that is new.

    A disqualification stays as it was made, but one that is repeated with `amends` holds for closed periods, too.
    """
    values = {"board": board_id, "user": user_id, "actor": actor, "reason": reason, "amends": amends}
    return connection.execute(_ADD, values).rowcount == 1


def remove(connection: Connection, board_id: str, user_id: str) -> bool:
    """Let a player back on a board, and return whether they were off it."""
    return connection.execute(_REMOVE, {"board": board_id, "user": user_id}).rowcount == 1
