"""The migrations make exactly the tables that the code knows, and run safely twice and at once."""

import threading
import time
import uuid

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from common.postgres import catalogue, migrate, schema
from common.postgres import engine as database
from common.postgres.tables import metadata
from dev.harness.servers import Servers
from dev.harness.waiting import wait_until
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
    threads = [threading.Thread(target=migrate.upgrade, args=(engine,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    migrate.upgrade(engine)
    for _ in range(2):
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
    with engine.connect() as connection:
        assert schema.is_current(connection)
        assert catalogue.load(connection) == catalogue.DEFAULTS
    engine.dispose()


def test_a_migration_keeps_a_batch_waiting_no_longer_than_its_lock_timeout(
    servers: Servers, make_settings: SettingsFactory
) -> None:
    """It asks for a table that a transaction of the service holds; whoever comes later waits behind the request."""
    url = servers.create_database(f"busy_{uuid.uuid4().hex[:8]}")
    engine = database.create(make_settings(DATABASE_URL=url), pool_size=4, statement_timeout_ms=60_000)
    migrate.upgrade(engine, "0008")
    quarantined = text("INSERT INTO score_quarantine (inbox_id, reason, payload) VALUES (:id, '-', '{}')")
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
    thread = threading.Thread(target=migrate.upgrade, args=(engine,))

    def is_waiting() -> bool:
        with engine.connect() as looking:
            return bool(looking.execute(waiting).scalar_one())

    with engine.connect() as batch:
        batch.execute(quarantined, {"id": "1-0"})
        thread.start()
        wait_until(is_waiting)
        asked = time.monotonic()
        with engine.begin() as later:
            later.execute(quarantined, {"id": "2-0"})
        waited = time.monotonic() - asked
        with engine.connect() as connection:
            assert not schema.is_current(connection)
        batch.commit()
    thread.join(60)
    assert waited < migrate.LOCK_TIMEOUT_MS / 1000 + 1
    with engine.connect() as connection:
        assert schema.is_current(connection)
        assert connection.execute(text("SELECT count(*) FROM score_quarantine")).scalar_one() == 2
    engine.dispose()


def test_a_migration_holds_no_table_while_it_waits_for_another(
    servers: Servers, make_settings: SettingsFactory
) -> None:
    """A batch locks the ledger and then the periods; a migration of several steps needs both, the other way round."""
    url = servers.create_database(f"both_{uuid.uuid4().hex[:8]}")
    engine = database.create(make_settings(DATABASE_URL=url), pool_size=4, statement_timeout_ms=60_000)
    migrate.upgrade(engine, "0008")
    waits_for_the_ledger = text("""
        SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'score_events'::regclass
    """)
    thread = threading.Thread(target=migrate.upgrade, args=(engine,))

    def is_waiting() -> bool:
        with engine.connect() as looking:
            return bool(looking.execute(waits_for_the_ledger).scalar_one())

    with engine.connect() as batch:
        batch.execute(text("SELECT count(*) FROM score_events"))
        thread.start()
        wait_until(is_waiting)
        batch.execute(text("SELECT count(*) FROM periods"))
        batch.rollback()
    thread.join(60)
    with engine.connect() as connection:
        assert schema.is_current(connection)
    engine.dispose()
