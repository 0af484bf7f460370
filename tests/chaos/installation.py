"""The product as an operator runs it: durable servers, proxies before them, and programs that are restarted."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import kombu.exceptions
import redis
from celery import Celery
from sqlalchemy import text

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.core import settings as settings_module
from common.core import task_names
from common.core.settings import Settings
from common.domain.permissions import Permissions, Scope
from common.postgres import api_keys, catalogue
from common.postgres import engine as database
from common.redis_store import client as redis_client
from common.redis_store.board import Board
from common.redis_store.client import Client
from common.redis_store.inbox import Inbox
from common.services.rebuild import Rebuilder
from common.services.verification import Verifier
from dev.harness.many import add_many
from dev.harness.servers import Servers, running_servers, start_servers
from dev.harness.stack import Stack, Variant, running_stack
from tests.caller import Caller
from tests.chaos import value_boards
from tests.chaos.clients import Account
from tests.chaos.disks import small_disks
from tests.chaos.proxy import Proxy
from tests.chaos.stored_snapshots import StoredSnapshots

_LOOK_SECONDS = 0.05
_REDIS_DATABASE = 0
_MOST_WAITING = 5
"""Of messages that ask for a task."""
CROWD = 10_000
"""Players who are on the board before the run."""


@dataclass
class Installation:
    """Everything that can be hurt, and our own way past the proxies to look at it."""

    servers: Servers
    stack: Stack
    redis_proxy: Proxy
    postgres_proxy: Proxy
    settings: Settings
    held: set[str] = field(default_factory=set)
    """Programs that are not to be restarted for now."""
    variant_of: dict[str, Variant] = field(default_factory=dict)
    """As what a program starts the next time."""
    accounts: list[Account] = field(default_factory=list)
    """Of updates that a fault has put into the inbox itself."""
    _done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.engine = database.create(self.settings, pool_size=4, statement_timeout_ms=30_000)
        self.client: Client = redis_client.connect(self.settings.redis_url)
        self.board = Board(self.client)
        self.verifier = Verifier(self.engine, self.board)
        self.rebuilder = Rebuilder(self.client, self.engine)
        self.snapshots = StoredSnapshots(self.engine)
        self.inbox = Inbox.of(self.client, self.settings)
        self.bell = Celery(broker=self.settings.redis_url, set_as_current=False)
        self._keeper = threading.Thread(target=self._keep, name="keeper")

    def new_api_key(self, *scopes: Scope) -> tuple[str, str]:
        """Its id and its secret."""
        with self.engine.begin() as connection:
            key = api_keys.create(connection, "chaos", Permissions(frozenset({Scope.SUBMIT, *scopes})))
        return key.id, api_keys.current_secret(key, self.settings.secret_key.get_secret_value())

    def new_admin(self, username: str = "chaos-admin") -> dict[str, str]:
        """The headers of an admin who has logged in."""
        caller = Caller(self.stack, username)
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": caller.user_id})
        caller.log_in()
        return caller.headers

    def ring(self, task: str) -> None:
        """Ask for a task, unless many wait already. Nobody hears it if Redis is away."""
        queue = task_names.QUEUE_CHORES if task in task_names.CHORES else task_names.QUEUE
        with suppress(redis.RedisError, kombu.exceptions.OperationalError):
            if self.client.llen(queue) < _MOST_WAITING:
                self.bell.send_task(task, queue=queue)

    def rebuild(self) -> None:
        """Fill the board, as soon as nobody else does."""
        while not self.rebuilder.rebuild(DEFAULT_BOARD, ALL_TIME):
            time.sleep(_LOOK_SECONDS)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal a program's own process; the keeper starts it again."""
        with suppress(ProcessLookupError):
            self.stack.processes[name].send_signal(number)

    def children(self, name: str) -> list[int]:
        """The processes that a program has made."""
        parent = self.stack.processes[name].pid
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError, IndexError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    found.append(int(folder.name))
        return sorted(found)

    def start_keeping(self) -> None:
        self._keeper.start()

    def close(self) -> None:
        self._done.set()
        self._keeper.join()
        self.bell.close()
        self.engine.dispose()
        self.client.close()

    def _keep(self) -> None:
        """Start again whatever has ended, as an init system does, with nothing of it left."""
        while not self._done.wait(_LOOK_SECONDS):
            for name, process in tuple(self.stack.processes.items()):
                if process.poll() is None or name in self.held:
                    continue
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                self.stack.start(name, self.variant_of.pop(name, None))


def through(url: str, proxy: Proxy) -> str:
    """The same address, by way of the proxy."""
    parts = urlsplit(url)
    credentials, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}"))


@contextmanager
def servers_on_small_disks() -> Iterator[Servers]:
    """Each server on a disk of its own that can be filled."""
    with small_disks(2) as (postgres_disk, valkey_disk):
        servers = start_servers(postgres_disk, fast=False, valkey_root=valkey_disk)
        try:
            yield servers
        finally:
            servers.stop()


@contextmanager
def installed(*, on_small_disks: bool = False) -> Iterator[Installation]:
    """A running installation on servers that write everything down before they answer."""
    started = servers_on_small_disks() if on_small_disks else running_servers(fast=False)
    with started as servers, proxied(servers) as (redis_proxy, postgres_proxy):
        url = servers.migrated_database()
        _load_catalogue(url, servers)
        redis_url = servers.redis_url(_REDIS_DATABASE)
        with running_stack(
            servers,
            through(url, postgres_proxy),
            _REDIS_DATABASE,
            REDIS_URL=through(redis_url, redis_proxy),
            SCOREBOARD_WEB_PROCESSES="2",
            SCOREBOARD_WORKER_PROCESSES="2",
            SCOREBOARD_BATCH_LIMIT="1000000/minute",
            SCOREBOARD_BATCH_UPDATE_LIMIT="10000000/minute",
            SCOREBOARD_SNAPSHOT_KEEP_DAYS="100000",  # periods of long ago are closed, and keep their last one
            SCOREBOARD_ADMIN_LIMIT="1000000/minute",
            SCOREBOARD_LOGIN_FAILURE_LIMIT="1000000/minute",
            SCOREBOARD_NETWORK_FAILURE_LIMIT="1000000/minute",
            SCOREBOARD_ACCOUNT_FAILURE_LIMIT="1000000/minute",
        ) as stack:
            settings = settings_module.load({**stack.environment, "DATABASE_URL": url, "REDIS_URL": redis_url})
            installation = Installation(servers, stack, redis_proxy, postgres_proxy, settings)
            add_many(installation.engine, CROWD)
            installation.rebuild()
            installation.start_keeping()
            try:
                yield installation
            finally:
                installation.close()


@contextmanager
def proxied(servers: Servers) -> Iterator[tuple[Proxy, Proxy]]:
    """Proxies before Valkey and before PostgreSQL."""
    proxies = [Proxy(_address(servers.redis_url())), Proxy(_address(servers.database_url))]
    for proxy in proxies:
        proxy.start()
    try:
        yield proxies[0], proxies[1]
    finally:
        for proxy in proxies:
            proxy.stop()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


def _load_catalogue(url: str, servers: Servers) -> None:
    environment = {
        "DATABASE_URL": url,
        "REDIS_URL": servers.redis_url(),
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-tests-" * 2,
        "SCOREBOARD_SECRET_KEY": "server-secret-of-tests-" * 2,
    }
    engine = database.create(settings_module.load(environment), pool_size=1, statement_timeout_ms=30_000)
    with engine.begin() as connection:
        catalogue.load_defaults(connection)
        value_boards.add(connection)
    engine.dispose()
