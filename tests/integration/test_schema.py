"""The migrations make exactly the tables that the code knows, and run safely twice and at once."""

import threading

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from common import catalogue, database, schema
from common.models import metadata
from dev.harness.servers import Servers
from tests.conftest import SettingsFactory


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
