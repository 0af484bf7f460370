"""The version of a database's schema, and whether this version of the code can work with it.

Processes that serve ask this and never migrate, so nothing of Alembic is loaded here: it takes 11 MB.
"""

from pathlib import Path

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from common.core.settings import Settings
from common.postgres import engine as database
from common.postgres.tables import metadata

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")

CHECK_TIMEOUT_MS = 5_000

_COLUMNS = text("""
SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AS is_demanded
FROM information_schema.columns WHERE table_schema = current_schema()
""")


class MisfitError(Exception):
    """This version cannot work with the database. The message says why, and what to do."""


def is_current(connection: Connection) -> bool:
    """Return whether the database is at the version that this code was written for."""
    return version(connection) == known_versions()[-1]


def version(connection: Connection) -> str | None:
    """Return the version of the database's schema; None if it has none."""
    has_one = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version")) if has_one else None
    return found


def known_versions() -> list[str]:
    """Return the versions that this code knows, in order: each migration's file begins with its own."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def require_fit_at_start(settings: Settings) -> None:
    """Run `require_fit` at the start of a program. A server that cannot be reached is assumed to fit."""
    engine = database.create(settings, pool_size=1, statement_timeout_ms=CHECK_TIMEOUT_MS)
    try:
        with engine.connect() as connection:
            require_fit(connection)
    except OperationalError:
        log.warning("schema_not_checked", reason="PostgreSQL cannot be reached")
    except ProgrammingError as error:
        raise MisfitError(f"the schema cannot be read: {str(error.orig).strip()}") from error
    finally:
        engine.dispose()


def require_fit(connection: Connection) -> None:
    """Raise MisfitError if this version cannot work with the database.

    A database that `scoreboard migrate` of this version has not seen does not fit. One that a later version has
    migrated fits as long as everything is there that this version uses, and nothing more is demanded of it.
    """
    known = known_versions()
    found = version(connection)
    if found != known[-1] and (found is None or found in known):
        state = "has no tables of ours" if found is None else f"is at version {found}"
        raise MisfitError(f"the schema {state}, and this needs {known[-1]}: run `scoreboard migrate`")
    if problems := _problems(connection):
        raise MisfitError(f"the schema (version {found}) does not fit: {', '.join(problems)}")
    if found not in known:
        log.warning("schema_is_newer", version=found, known=known[-1])


def _problems(connection: Connection) -> list[str]:
    """Return the columns that this version uses and cannot see, and the required ones that it does not know."""
    wanted = {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}
    found = {(row.table_name, row.column_name): row.is_demanded for row in connection.execute(_COLUMNS)}
    ours = {table.name for table in metadata.sorted_tables}
    missing = [f"{table}.{column} is not there" for table, column in sorted(wanted - found.keys())]
    demanded = [
        f"{table}.{column} has to be filled"
        for (table, column), is_demanded in sorted(found.items())
        if is_demanded and table in ours and (table, column) not in wanted
    ]
    return missing + demanded
