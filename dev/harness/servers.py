"""A PostgreSQL and a Valkey that belong to one test run, and proof that they do."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql
from sqlalchemy import create_engine

from common.postgres import migrate
from common.redis_store import client as redis_client
from dev.servers.postgres import Postgres
from dev.servers.valkey import Valkey

_MIGRATED = "scoreboard_migrated"


class NotOurServerError(Exception):
    """A test was about to touch a server that it did not start."""


@dataclass
class Servers:
    """Running servers in a temporary folder. Each has `pid`, `kill()`, `stop()` and `start()`, and keeps its port."""

    postgres: Postgres
    valkey: Valkey
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _has_template: bool = False

    @property
    def database_url(self) -> str:
        """The URL of the database that exists from the start and is empty."""
        return self.postgres.url

    def redis_url(self, database: int = 0) -> str:
        """Return the URL of one of the sixteen numbered databases."""
        return f"{self.valkey.url.removesuffix(urlsplit(self.valkey.url).path)}/{database}"

    def prove_own(self) -> None:
        """Raise NotOurServerError unless the servers at our addresses use our folders. Call it before any change."""
        self._prove_own_postgres()
        with closing(redis_client.connect(self.valkey.url)) as client:
            self._prove_own_valkey(client)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Create a database as a copy of `template` and return its URL; an old one of this name is dropped."""
        self.drop_database(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with self._admin() as cursor:
            cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.postgres.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, even if others are connected."""
        with self._admin() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def rename_database(self, name: str, other: str) -> None:
        """End every connection to a database and give it another name, so that nobody comes back."""
        statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        with self._admin() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,))
            cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(other)))

    def migrated_database(self) -> str:
        """Create a database with our tables and no rows, copied from one that is migrated once, and return its URL."""
        if not self._has_template:
            _migrate(self.create_database(_MIGRATED))
            self._has_template = True
        return self.create_database(f"scoreboard_{next(self._numbers)}", _MIGRATED)

    def flush_redis(self, database: int = 0) -> None:
        """Empty one numbered database."""
        with closing(redis_client.connect(self.redis_url(database))) as client:
            self._prove_own_valkey(client)
            client.flushdb()

    def stop(self) -> None:
        """Stop both servers by process id, as our children, whichever process has their ports now."""
        self.valkey.stop()
        self.postgres.stop()

    def _prove_own_postgres(self) -> None:
        with self._admin():
            pass

    def _prove_own_valkey(self, client: redis_client.Client) -> None:
        found = client.config_get("dir"), client.info("server")["process_id"]
        if found != ({"dir": str(self.valkey.data)}, self.valkey.pid):
            raise NotOurServerError(f"{found} answers at our address")

    @contextmanager
    def _admin(self) -> Iterator[psycopg2.extensions.cursor]:
        """Connect to our PostgreSQL. Raises NotOurServerError if another one is there."""
        with closing(psycopg2.connect(self.postgres.url_of("postgres"))) as connection:
            connection.autocommit = True  # CREATE DATABASE refuses a transaction
            cursor = connection.cursor()
            cursor.execute("SHOW data_directory")
            if (found := cursor.fetchone()) != (str(self.postgres.data),):
                raise NotOurServerError(f"a PostgreSQL on {found} answers at our address")
            yield cursor


def start_servers(root: Path, *, fast: bool = True, valkey_root: Path | None = None) -> Servers:
    """Start both in a folder of `temporary_root`. Without `fast` they are as durable as in `make run`."""
    servers = Servers(Postgres(root, fast=fast), Valkey(valkey_root or root, fast=fast))
    try:
        servers.postgres.start()
        servers.valkey.start()
        servers.prove_own()
    except BaseException:
        servers.stop()
        raise
    return servers


def temporary_root() -> Path:
    """Create a folder that PostgreSQL's user can enter; pytest's own is not one when root runs the tests."""
    root = Path(tempfile.mkdtemp(prefix="scoreboard-test-")).resolve()
    root.chmod(0o711)
    return root


@contextmanager
def running_servers(*, fast: bool = True) -> Iterator[Servers]:
    """Run servers of our own, which are ended by process id when the block ends."""
    root = temporary_root()
    try:
        servers = start_servers(root, fast=fast)
        try:
            yield servers
        finally:
            servers.stop()
    finally:
        shutil.rmtree(root)


def _migrate(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://", 1))
    try:
        migrate.upgrade(engine)
    finally:
        engine.dispose()
