"""The migrations make exactly the tables that the code knows, and run safely twice and at once."""

import threading

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from common import catalogue, database, schema
from common.models import metadata
from tests.conftest import SettingsFactory
from tests.servers import Servers


def test_the_migrated_schema_is_the_one_in_the_code(make_settings: SettingsFactory) -> None:
    engine = database.create(make_settings(), pool_size=1, statement_timeout_ms=10_000)
    with engine.connect() as connection:
        assert schema.is_current(connection)
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_migrating_an_empty_database_twice_and_at_once_is_safe(
    servers: Servers, make_settings: SettingsFactory
) -> None:
    url = servers.create_database("migrated_at_once")
    engine = database.create(make_settings(DATABASE_URL=url), pool_size=3, statement_timeout_ms=60_000)
    threads = [threading.Thread(target=schema.migrate, args=(engine,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    schema.migrate(engine)
    for _ in range(2):
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
    with engine.connect() as connection:
        assert schema.is_current(connection)
        assert catalogue.load(connection) == catalogue.DEFAULTS
    engine.dispose()


def test_a_ledger_that_is_in_use_for_long_is_not_waited_for_with_everybody_behind(
    servers: Servers, make_settings: SettingsFactory
) -> None:
    """The column `source` needs the ledger to itself for a moment. Whoever comes behind that request waits too."""
    url = servers.create_database("migrated_in_use")
    engine = database.create(make_settings(DATABASE_URL=url), pool_size=2, statement_timeout_ms=60_000)
    with engine.connect() as connection:
        config = schema._config(connection)
        before = ScriptDirectory.from_config(config).get_revision("0011").down_revision
        command.upgrade(config, str(before))
        connection.commit()
    with engine.connect() as reader:
        reader.execute(text("SELECT 1 FROM score_events"))
        with pytest.raises(OperationalError, match="lock timeout"):
            schema.migrate(engine)
    schema.migrate(engine)
    with engine.connect() as connection:
        assert schema.is_current(connection)
        connection.execute(text("SELECT source FROM score_events"))
    engine.dispose()
