"""A PostgreSQL and a Valkey that belong to one test run, and proof that they do."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import redis
from psycopg2 import sql

from dev.postgres import Postgres
from dev.valkey import Valkey


@dataclass(frozen=True)
class Servers:
    """Running servers in a temporary folder."""

    postgres: Postgres
    valkey: Valkey

    def prove_own(self) -> None:
        """Fail unless what answers at our addresses works in our folders. Call it before anything is changed."""
        with self._admin() as cursor:
            cursor.execute("SHOW data_directory")
            assert cursor.fetchone() == (str(self.postgres.data),)
        client = redis.Redis.from_url(self.valkey.url, decode_responses=True)
        assert client.config_get("dir") == {"dir": str(self.valkey.data)}
        client.close()

    def create_database(self, name: str, template: str = "template0") -> str:
        """The URL of a new database, a copy of `template`; an old one of this name is dropped."""
        self.prove_own()
        with self._admin() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.postgres.url_of(name)

    @contextmanager
    def _admin(self) -> Iterator[psycopg2.extensions.cursor]:
        connection = psycopg2.connect(self.postgres.url_of("postgres"))
        connection.autocommit = True
        try:
            yield connection.cursor()
        finally:
            connection.close()

    def redis_url(self, database: int) -> str:
        """The address of one of the sixteen numbered databases."""
        return f"{self.valkey.url.removesuffix(urlsplit(self.valkey.url).path)}/{database}"


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Servers of our own, ended by process id when the block ends."""
    with tempfile.TemporaryDirectory(prefix="scoreboard-test-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        servers = Servers(Postgres(root, fast=True), Valkey(root, fast=True))
        try:
            servers.postgres.start()
            servers.valkey.start()
            servers.prove_own()
            yield servers
        finally:
            servers.valkey.stop()
            servers.postgres.stop()
