"""What a database holds of ours, as backups and restorations ask: which tables, how many rows, who is connected."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, text

from common.postgres import schema
from common.postgres.audit import AuditRow
from common.postgres.tables import metadata, refresh_tokens, reset_codes, score_event_ids, sessions

VERSION_TABLE = "alembic_version"
SEQUENCE = str(score_event_ids.name)

PASSING = frozenset({sessions.name, refresh_tokens.name, reset_codes.name})
"""The tables that no backup has the rows of: a session that was ended, or a code that was used, must not come back."""

_FILLED_BY_MIGRATING = frozenset(
    {"boards", "actions", "catalogue_version", "audit_log", "ledger_checkpoint", VERSION_TABLE}
)
"""The tables in which a new database has rows. What an operator changes in them is in the audit log."""

_MIGRATING = ("migrate", "create_role")

NAMES = (*(table.name for table in metadata.sorted_tables), VERSION_TABLE)
"""All tables that are ours."""

_TABLES = text("""
SELECT relname FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND relkind IN ('r', 'p') AND relname = ANY(:names)
ORDER BY relname
""")
_OTHERS = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'scoreboard'
""")
_COPIED = text("""
SELECT relid::bigint AS table, tuples_processed AS rows FROM pg_stat_progress_copy
WHERE datname = current_database() AND command = 'COPY TO'
""")
_CHANGES = text("SELECT EXISTS (SELECT FROM audit_log WHERE action <> ALL(:usual))")
_DECIDED = text("""
SELECT id, at, actor, action, subject, details FROM audit_log WHERE at > :since ORDER BY id
""")


def tables(connection: Connection) -> list[str]:
    """Return the names of those of our tables that are there, in the order of the alphabet."""
    return list(connection.scalars(_TABLES, {"names": list(NAMES)}))


def count_rows(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """Return the number of rows of each of these tables of ours."""
    return {name: int(connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0) for name in names}  # noqa: S608


def is_empty(connection: Connection) -> bool:
    """Return whether the database holds nothing but what `scoreboard migrate` puts into a new one."""
    there = tables(connection)
    if schema.version(connection) is None:
        return not there
    filled = (name for name in there if name not in _FILLED_BY_MIGRATING | PASSING)
    if any(connection.scalar(text(f'SELECT EXISTS (SELECT FROM "{name}")')) for name in filled):  # noqa: S608
        return False
    return "audit_log" not in there or not connection.scalar(_CHANGES, {"usual": list(_MIGRATING)})


def decided_since(connection: Connection, since: datetime) -> list[AuditRow]:
    """Return all rows of the audit log that are younger than an instant."""
    return [AuditRow(*row) for row in connection.execute(_DECIDED, {"since": since})]


def others_connected(connection: Connection) -> int:
    """Return how many connections processes of ours hold to this database, besides this one."""
    return int(connection.scalar(_OTHERS) or 0)


def rows_copied(connection: Connection) -> tuple[int, int] | None:
    """Return the id of the table that is being copied out of this database, and how many rows of it were."""
    connection.execute(text("SELECT pg_stat_clear_snapshot()"))
    row = connection.execute(_COPIED).first()
    return (row.table, row.rows) if row else None
