"""Migrating: bring a database up to date, by Alembic."""

import time

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from common.postgres import schema

log = structlog.get_logger(__name__)

MIGRATION_LOCK = 7_030_267_213
"""The number of the advisory lock that lets two starts at once migrate one after the other."""


LOCK_TIMEOUT_MS = 2_000
"""How long a migration waits for a table, because all later queries of the table wait behind it."""

LOOK_SECONDS = 0.1
"""How often a migration looks whether another one has ended."""

ATTEMPTS = 60
PAUSE_SECONDS = 1.0
"""The pause between attempts, in which the queries that waited behind the migration run."""

_LOCK_NOT_HAD = ("55P03", "40P01")
"""lock_not_available and deadlock_detected: somebody else has what the step needs, and lets go of it soon."""


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
            before = schema.version(connection)
            connection.commit()  # within a transaction of ours, all steps would be one, and hold their locks to the end
            _upgrade(connection, revision)
            return before, schema.version(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.execute(text("RESET lock_timeout"))
            connection.commit()


def _wait_for_others(connection: Connection) -> None:
    """Wait outside of a transaction: an index that is built concurrently waits for all transactions."""
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK}):
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


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS).replace("%", "%%"))  # ConfigParser interpolates
    config.attributes["connection"] = connection
    return config
