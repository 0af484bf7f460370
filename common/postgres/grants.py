"""The rights of the serving role: it may change neither the schema nor what is recorded for ever (docs/adr/0017).

`scoreboard migrate` runs as the owner of the tables and grants these rights each time, so that they fit the tables of
its version. An intruder in the service can rewrite neither the ledger nor the audit log.
"""

from typing import NamedTuple, cast

from psycopg2.extensions import connection as psycopg2_connection
from psycopg2.extensions import encrypt_password
from sqlalchemy import Connection, make_url, text

from common.postgres.tables import audit_log, ledger_totals, metadata, score_events, step_totals

APPEND_ONLY = frozenset({score_events.name, audit_log.name})
"""The tables whose rows the serving role may add and read, but neither change nor delete."""

EMPTIED_AT_ONCE = frozenset({ledger_totals.name, step_totals.name})
"""The tables that a full verification empties first; their rows are computed from the ledger again."""

_ALL_ROWS, _NEW_ROWS, _READING = "SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT", "SELECT"
_VERSIONS = "alembic_version"

_LOCK = text("SELECT pg_advisory_xact_lock(7030267216)")
"""The number of the advisory lock under which two migrations at once grant rights one after the other."""

_EXISTS = text("SELECT FROM pg_roles WHERE rolname = :name")
_UNBOUNDED = text("""
SELECT rolsuper OR EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema() AND tableowner = :name)
FROM pg_roles WHERE rolname = :name
""")


class ServingRole(NamedTuple):
    """A role that logs in. Without a password it must exist already."""

    name: str
    password: str | None


def serving_role(database_url: str) -> ServingRole | None:
    """Return the role that a database's URL names; None if it names none."""
    url = make_url(database_url)
    return ServingRole(url.username, str(url.password) if url.password else None) if url.username else None


def ensure_role(connection: Connection, role: ServingRole) -> bool:
    """Create the role if it is missing, which the owner must be allowed to do, and return whether it was created.

    An existing role keeps its password. The server is sent a hash, so no log of statements has the password.
    """
    connection.execute(_LOCK)
    if exists(connection, role):
        return False
    password = ""
    if role.password:
        driver = cast(psycopg2_connection, connection.connection.dbapi_connection)
        hashed = encrypt_password(role.password, role.name, scope=driver, algorithm="scram-sha-256")
        password = f" PASSWORD '{hashed}'"  # of base64, `$` and `:` alone
    connection.exec_driver_sql(f"CREATE ROLE {_quoted(connection, role.name)} LOGIN{password}")
    return True


def grant(connection: Connection, role: ServingRole) -> None:
    """Grant the role its rights and revoke all others. Safe to run twice and at the same time."""
    connection.execute(_LOCK)
    for statement in statements(connection, role):
        connection.exec_driver_sql(statement)


def statements(connection: Connection, role: ServingRole) -> list[str]:
    """Return the statements that do that in the schema of this connection, with `%` doubled, as the driver wants it."""
    name = _quoted(connection, role.name)
    schema = _quoted(connection, str(connection.scalar(text("SELECT current_schema()"))))
    database = _quoted(connection, str(connection.scalar(text("SELECT current_database()"))))
    told = [f"GRANT CONNECT ON DATABASE {database} TO {name}", f"GRANT USAGE ON SCHEMA {schema} TO {name}"]
    for table, rights in _rights().items():
        told += [f"REVOKE ALL ON {table} FROM {name}", f"GRANT {rights} ON {table} TO {name}"]
    told.append(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {name}")
    return told


def exists(connection: Connection, role: ServingRole) -> bool:
    """Return whether there is a role of this name."""
    return connection.execute(_EXISTS, {"name": role.name}).one_or_none() is not None


def is_unbounded(connection: Connection, role: ServingRole) -> bool:
    """Return whether grants cannot limit the role, because it is a superuser or owns tables."""
    return bool(connection.scalar(_UNBOUNDED, {"name": role.name}))


def _rights() -> dict[str, str]:
    rights = {table.name: _NEW_ROWS if table.name in APPEND_ONLY else _ALL_ROWS for table in metadata.sorted_tables}
    rights |= dict.fromkeys(EMPTIED_AT_ONCE, f"{_ALL_ROWS}, TRUNCATE")
    return {**rights, _VERSIONS: _READING}


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)  # with `%` doubled, as the driver wants it
