"""Erasing a player: nothing says any more who it was. And purging one, of whom nothing is left but that there was one.

An erased account stays as a row that holds its id alone: what it has sent and is still under way must find it, and is
recorded, hidden. A purge deletes ledger rows, standings and achievements too, the one exception to "no row is deleted"
(ADR 25); the role that serves may not do that, so it runs as the owner of the tables.
"""

import uuid
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, text, update

from common.domain.details import PlayerVisibility
from common.domain.standing import Hidden
from common.postgres import checkpoint, kept_names, ledger, people, period_closing, reset_codes, standings
from common.postgres.tables import identities, users

ERASED = "erased"
"""Begins what stands in place of a username. No username has its second character, a colon."""

_PURGED = (
    "DELETE FROM score_events WHERE user_id = CAST(:user AS uuid)",
    "DELETE FROM ledger_totals WHERE user_id = CAST(:user AS uuid)",
    "DELETE FROM standings WHERE user_id = CAST(:user AS uuid)",
    "DELETE FROM disqualifications WHERE user_id = CAST(:user AS uuid)",
    "DELETE FROM achievement_steps WHERE user_id = CAST(:user AS uuid)",
    "DELETE FROM step_totals WHERE user_id = CAST(:user AS uuid)",
    "DELETE FROM unlocks WHERE user_id = CAST(:user AS uuid)",
    "DELETE FROM day_marks WHERE user_id = CAST(:user AS uuid)",
    """
    UPDATE counted_hours SET movers = (
        SELECT coalesce(jsonb_agg(mover ORDER BY place), '[]')
        FROM jsonb_array_elements(movers) WITH ORDINALITY AS listed(mover, place)
        WHERE mover ->> 'userId' <> CAST(:user AS text)
    )
    WHERE movers @> jsonb_build_array(jsonb_build_object('userId', CAST(:user AS text)))
    """,
)
_BOARDS = text("SELECT board_id, period_id FROM standings WHERE user_id = CAST(:user AS uuid)")
_VOIDS = tuple(
    text(f"DELETE FROM {table} WHERE event_id IN (SELECT id FROM score_events WHERE user_id = CAST(:user AS uuid))")  # noqa: S608
    for table in ("voids", "kept_voids")
)

# An id that nobody has takes the player's place in stored snapshots, so that their ranks stay whole.
_SNAPSHOTS = text("""
UPDATE snapshots SET entries = (
    SELECT jsonb_agg(
        CASE WHEN entry ->> 'userId' = :user
        THEN (entry - 'username') || jsonb_build_object('userId', CAST(:nobody AS text))
        ELSE entry END ORDER BY place
    )
    FROM jsonb_array_elements(entries) WITH ORDINALITY AS listed(entry, place)
)
WHERE entries @> jsonb_build_array(jsonb_build_object('userId', CAST(:user AS text)))
""")
_AUDIT_LOG = text("UPDATE audit_log SET details = details - 'username' WHERE subject = :user AND details ? 'username'")
_QUARANTINE = text(
    "DELETE FROM score_quarantine WHERE payload ->> 'user_id' = :user OR entry ->> 'update' LIKE :mention"
)


_UNPURGED = text("""
SELECT u.id::text AS id, coalesce(a.details ->> 'username', '') AS username
FROM audit_log a JOIN users u ON u.id::text = a.subject
WHERE a.action = :action AND (u.erased_at IS NULL OR EXISTS (SELECT FROM score_events WHERE user_id = u.id)
    OR EXISTS (SELECT FROM standings WHERE user_id = u.id))
""")


def unpurged(connection: Connection, action: str) -> dict[str, str]:
    """Return whom the audit log names under this action and of whom something is left, with the names they had."""
    return {row.id: row.username for row in connection.execute(_UNPURGED, {"action": action})}


def erase(connection: Connection, user_id: str, secret_key: bytes, now: datetime) -> bool:
    """Erase an account: name, profile, password, codes and external ids go; on open boards its standings are hidden.

    The caller ends its sessions in the same transaction. Returns False, with nothing changed, if it is erased already.
    Raises OperationalError if the ledger cannot be locked within a second.
    """
    ledger.lock_exclusive(connection)
    before = select(users.c.username).where(users.c.id == user_id, users.c.erased_at.is_(None)).with_for_update()
    username = connection.execute(before).scalar()
    if username is None:
        return False
    kept_names.keep(connection, username, secret_key, now)
    people.write(
        connection,
        user_id,
        username=ERASED,
        username_key=f"{ERASED}:{user_id}",
        password_hash=None,
        role="player",
        display_name=None,
        country=None,
        avatar=None,
        renamed_at=[],
        visibility=PlayerVisibility.UNLISTED.value,
        erased_at=func.now(),
        password_changed_at=func.now(),
    )
    connection.execute(delete(identities).where(identities.c.user_id == user_id))
    reset_codes.forget(connection, user_id)
    standings.hide(connection, user_id, Hidden.UNLISTED, is_hidden=True, only_open=True)
    return True


def purge(connection: Connection, user_id: str) -> int:
    """Delete what is recorded of an erased account, and return how many ledger rows there were. Safe to run twice.

    The closed periods in which it stood get a new revision, and are ranked anew.
    The caller is the owner of the tables, has called `purge_mentions`, and rebuilds the boards in Redis.
    """
    checkpoint.hold(connection)
    ledger.lock_exclusive(connection)
    values = {"user": user_id}
    for statement in _VOIDS:
        connection.execute(statement, values)
    boards = {(row.board_id, row.period_id) for row in connection.execute(_BOARDS, values)}
    deleted = [connection.execute(text(purged), values).rowcount for purged in _PURGED]
    period_closing.amend(connection, boards)
    connection.execute(update(users).where(users.c.id == user_id).values(created_at=func.now(), suspended_at=None))
    return deleted[0]


def purge_mentions(connection: Connection, user_id: str) -> None:
    """Delete what names an erased account in snapshots, audit log and quarantine. Safe to run twice.

    It reads these tables from end to end, so it must be a transaction of its own, in which updates do not wait for the
    ledger. The caller is the owner of the tables.
    """
    values = {"user": user_id}
    connection.execute(_SNAPSHOTS, {**values, "nobody": str(uuid.uuid4())})
    connection.execute(_AUDIT_LOG, values)
    connection.execute(_QUARANTINE, {**values, "mention": f"%{user_id}%"})


def is_erased(connection: Connection, user_id: str) -> bool:
    """Return whether this is the id of an erased account."""
    statement = select(users.c.id).where(users.c.id == user_id, users.c.erased_at.is_not(None))
    return connection.execute(statement).first() is not None
