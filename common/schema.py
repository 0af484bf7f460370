"""The schema's versions: bring a database up to date, and tell whether it is."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 7_030_267_213
"""Any number, known only to us: two starts at once migrate one after the other."""


def migrate(engine: Engine) -> tuple[str | None, str | None]:
    """Upgrade to the newest version; the versions before and after. Safe to run twice and at the same time."""
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.commit()
        try:
            before = _version(connection)
            command.upgrade(_config(connection), "head")
            connection.commit()
            return before, _version(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.commit()


def is_current(connection: Connection) -> bool:
    """Whether the database is at the version that this code was written for."""
    head = ScriptDirectory.from_config(_config(connection)).get_current_head()
    return _version(connection) == head


def _version(connection: Connection) -> str | None:
    """The database's; None for one without a schema."""
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config
