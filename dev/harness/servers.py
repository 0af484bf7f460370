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

from common import redis, schema
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
        """The address of the database that is there from the start, empty."""
        return self.postgres.url

    def redis_url(self, database: int = 0) -> str:
        """The address of one of the sixteen numbered databases."""
        return f"{self.valkey.url.removesuffix(urlsplit(self.valkey.url).path)}/{database}"

    def prove_own(self) -> None:
        """Fail unless what answers at our addresses works in our folders. Call it before anything is changed."""
        self._prove_own_postgres()
        self._prove_own_valkey()

    def create_database(self, name: str, template: str = "template0") -> str:
        """The URL of a new database, a copy of `template`; an old one of this name is dropped."""
        self.drop_database(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with self._admin() as cursor:
            cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.postgres.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop it if it is there, whoever is connected."""
        self._prove_own_postgres()
        with self._admin() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def migrated_database(self) -> str:
        """The URL of a new database with our tables and no rows, copied from one that is migrated once."""
        if not self._has_template:
            _migrate(self.create_database(_MIGRATED))
            self._has_template = True
        return self.create_database(f"scoreboard_{next(self._numbers)}", _MIGRATED)

    def flush_redis(self, database: int = 0) -> None:
        """Empty one numbered database."""
        self._prove_own_valkey()
        with closing(redis.connect(self.redis_url(database))) as client:
            client.flushdb()

    def stop(self) -> None:
        """Stop both. They are ended as children of ours, by process id, whoever has taken their ports since."""
        self.valkey.stop()
        self.postgres.stop()

    def _prove_own_postgres(self) -> None:
        with self._admin() as cursor:
            cursor.execute("SHOW data_directory")
            if (found := cursor.fetchone()) != (str(self.postgres.data),):
                raise NotOurServerError(f"a PostgreSQL on {found} answers at our address")

    def _prove_own_valkey(self) -> None:
        with closing(redis.connect(self.valkey.url)) as client:
            found = client.config_get("dir"), client.info("server")["process_id"]
        if found != ({"dir": str(self.valkey.data)}, self.valkey.pid):
            raise NotOurServerError(f"{found} answers at our address")

    @contextmanager
    def _admin(self) -> Iterator[psycopg2.extensions.cursor]:
        with closing(psycopg2.connect(self.postgres.url_of("postgres"))) as connection:
            connection.autocommit = True  # CREATE DATABASE refuses a transaction
            yield connection.cursor()


def start_servers(root: Path, *, fast: bool = True, valkey_root: Path | None = None) -> Servers:
    """Start both in this folder, which see `temporary_root`. Without `fast` they are as durable as in `make run`."""
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
    """A new folder that PostgreSQL's user can enter, which pytest's own is not when root runs the tests."""
    root = Path(tempfile.mkdtemp(prefix="scoreboard-test-")).resolve()
    root.chmod(0o711)
    return root


@contextmanager
def running_servers(*, fast: bool = True) -> Iterator[Servers]:
    """Servers of our own, ended by process id when the block ends."""
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
        schema.migrate(engine)
    finally:
        engine.dispose()
