"""The schema's versions: bring a database up to date, and check whether this version can work with it."""

import time
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from common.core.settings import Settings
from common.postgres import engine as database
from common.postgres.tables import metadata

log = structlog.get_logger(__name__)

_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 7_030_267_213
"""The number of the advisory lock that lets two starts at once migrate one after the other."""


LOCK_TIMEOUT_MS = 2_000
"""How long a migration waits for a table, because all later queries of the table wait behind it."""

LOOK_SECONDS = 0.1
"""How often a migration looks whether another one has ended."""

CHECK_TIMEOUT_MS = 5_000

ATTEMPTS = 60
PAUSE_SECONDS = 1.0
"""The pause between attempts, in which the queries that waited behind the migration run."""

_LOCK_NOT_HAD = ("55P03", "40P01")
"""lock_not_available and deadlock_detected: somebody else has what the step needs, and lets go of it soon."""

_COLUMNS = text("""
SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AS is_demanded
FROM information_schema.columns WHERE table_schema = current_schema()
""")


class MisfitError(Exception):
    """This version cannot work with the database. The message says why, and what to do."""


def upgrade(engine: Engine, revision: str = "head") -> tuple[str | None, str | None]:
    """Upgrade to the newest version, or to `revision`, and return the versions before and after.

    Safe to run twice, at the same time, and beside the service. Each step is a transaction of its own that waits two
    seconds for a lock and is then tried again. Raises OperationalError after a minute or two of that.
    """
    with engine.connect() as connection:
        _wait_for_others(connection)
        connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}"))
        connection.commit()
        try:
            before = _version(connection)
            connection.commit()  # within a transaction of ours, all steps would be one, and hold their locks to the end
            _upgrade(connection, revision)
            return before, _version(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.execute(text("RESET lock_timeout"))
            connection.commit()


def _wait_for_others(connection: Connection) -> None:
    """Wait outside of a transaction: an index that is built concurrently waits for all transactions."""
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK}):
        connection.rollback()
        time.sleep(LOOK_SECONDS)
    connection.commit()


def _upgrade(connection: Connection, revision: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            command.upgrade(_config(connection), revision)
            connection.commit()
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) not in _LOCK_NOT_HAD or attempt == ATTEMPTS:
                raise
            connection.rollback()
            log.warning("migration_waits", attempt=attempt)
            time.sleep(PAUSE_SECONDS)
        else:
            return


def is_current(connection: Connection) -> bool:
    """Return whether the database is at the version that this code was written for."""
    return _version(connection) == _scripts(connection).get_current_head()


def _version(connection: Connection) -> str | None:
    """Return the version of the database's schema; None if it has none."""
    return MigrationContext.configure(connection).get_current_revision()


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
    known = {script.revision for script in _scripts(connection).walk_revisions()}
    found = _version(connection)
    if not is_current(connection) and (found is None or found in known):
        state = "has no tables of ours" if found is None else f"is at version {found}"
        raise MisfitError(f"the schema {state}, and this needs {max(known)}: run `scoreboard migrate`")
    if problems := _problems(connection):
        raise MisfitError(f"the schema (version {found}) does not fit: {', '.join(problems)}")
    if found not in known:
        log.warning("schema_is_newer", version=found, known=max(known))


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


def _scripts(connection: Connection) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(connection))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))  # ConfigParser interpolates
    config.attributes["connection"] = connection
    return config
