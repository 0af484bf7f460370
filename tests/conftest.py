"""Fixtures: servers of our own, a fresh database and Redis for each test, the application, and a worker."""

import gc
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from common.core import settings as settings_module
from common.core.settings import Settings
from common.domain import passwords
from common.postgres import catalogue, grants, migrate
from common.postgres import engine as database
from common.postgres.grants import ServingRole
from common.redis_store.client import Client
from dev.harness.databases import Databases
from dev.harness.servers import Servers, running_servers
from dev.harness.stack import Stack, Variant, running_stack
from tests import routes
from tests.command_line import CommandLine, Commands, command_line_of, running_commands
from tests.documents import documented_application
from tests.player import Player, register
from tests.quick_hashes import DUMMY_HASH, HASHER
from tests.scheduling import LoadFolders
from workers import drain, maintenance
from workers.state import WorkerState

TEMPLATE = "scoreboard_template"
REDIS_DATABASE = 1
STACK_REDIS_DATABASE = 2

SERVING = ServingRole("scoreboard_serving", secrets.token_urlsafe(16))
"""Has in every copy of the template the rights that `scoreboard migrate` gives."""

PATIENT = {"SCOREBOARD_RESULT_WAIT_MS": "8000"}
"""Environment with which an update is answered with a 200, whatever else the machine has to do."""

QUICK_HASHES = {"web": Variant({"web.server.wsgi": "tests.quick_web"})}
"""Of a stack whose tests are not about passwords, and register many players."""

SettingsFactory = Callable[..., Settings]


OBJECTS_BETWEEN_COLLECTIONS = (10_000, 20, 20)
"""Python's own (700, 10, 10) are for programs with less than what a run has imported."""

LONG = ("browser/", "chaos/", "dev/", "docs/", "e2e/", "web/test_any_request.py")
"""Where modules take longest, beside those that run the product; the longest first."""

TOGETHER = ("tests/browser/", "tests/e2e/")
"""Folders whose tests share a running product, so that one process runs them all."""


def pytest_configure() -> None:
    gc.disable()  # what is imported and collected from here on stays
    routes.compile_once()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Collect garbage from now on, and look for none among what all tests have in common, half a second each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*OBJECTS_BETWEEN_COLLECTIONS)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest, so that no process of the run is left alone with one in the end."""
    tests = Path(__file__).parent
    with_stack = {item.path for item in items if "stack" in getattr(item, "fixturenames", ())}

    def turn_of(item: pytest.Item) -> int:
        path = item.path.relative_to(tests).as_posix()
        long = next((turn for turn, beginning in enumerate(LONG) if path.startswith(beginning)), len(LONG))
        return long + (long == len(LONG) and item.path not in with_stack)

    items.sort(key=turn_of)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFolders | None:
    """Let several processes share the tests by modules and folders, where they were to share them by modules."""
    return LoadFolders(config, log, TOGETHER) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A laptop may skip what it has no program for; continuous integration may skip nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("SCOREBOARD_CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and Valkey for this run, with a migrated database to copy."""
    with running_servers() as running:
        url = running.create_database(TEMPLATE)
        engine = database.create(
            _settings(url, running.redis_url(REDIS_DATABASE)), pool_size=1, statement_timeout_ms=60_000
        )
        migrate.upgrade(engine)
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
            grants.ensure_role(connection, SERVING)
            grants.grant(connection, SERVING)
        engine.dispose()
        yield running


@pytest.fixture(autouse=True)
def same_logging() -> Iterator[None]:
    """A command that runs within a test sets logging up for itself, and would leave it so for the tests behind it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


BOTH_WAYS = pytest.mark.parametrize("lane", ["on", "off"], indirect=True)
"""Marks tests that run twice: with what answers ahead of Flask, and with the views alone."""


@pytest.fixture
def lane(request: pytest.FixtureRequest) -> str:
    """Whether requests may be answered ahead of Flask; on unless a test is marked with `BOTH_WAYS`."""
    return str(getattr(request, "param", "on"))


@pytest.fixture(scope="session")
def databases(servers: Servers) -> Databases:
    return Databases(servers, TEMPLATE)


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of this process are argon2id in its cheapest form: a player's registration and login are two of them.

    Unit tests have those of the product, and so has the product that is shared by the tests of its front door.
    """
    monkeypatch.setattr(passwords, "_hasher", HASHER)
    monkeypatch.setattr(passwords, "DUMMY_HASH", DUMMY_HASH)


@pytest.fixture
def make_settings(servers: Servers, databases: Databases, lane: str, quick_hashes: None) -> Iterator[SettingsFactory]:
    """Settings for a fresh database and an empty Redis; keyword arguments are environment variables."""
    servers.flush_redis(REDIS_DATABASE)
    with databases.lent() as url:

        def make(**environment: str) -> Settings:
            return _settings(url, servers.redis_url(REDIS_DATABASE), **{"SCOREBOARD_LANE": lane, **environment})

        yield make


@pytest.fixture
def settings(make_settings: SettingsFactory) -> Settings:
    """Limits that no test meets by accident; tests of limits make their own."""
    return make_settings(
        SCOREBOARD_UPDATE_LIMIT="100000/minute",
        SCOREBOARD_IP_LIMIT="100000/hour",
        SCOREBOARD_LOGIN_LIMIT="100000/minute",
        SCOREBOARD_LOGIN_FAILURE_LIMIT="100000/minute",
        SCOREBOARD_NETWORK_FAILURE_LIMIT="100000/minute",
        SCOREBOARD_ACCOUNT_FAILURE_LIMIT="100000/minute",
        SCOREBOARD_REGISTER_LIMIT="100000/minute",
        SCOREBOARD_HANDSHAKE_LIMIT="100000/minute",
    )


@pytest.fixture(scope="module")
def stack(servers: Servers) -> Iterator[Stack]:
    """The running product on a fresh database, shared by the tests of one module. It serves with the serving role."""
    with serving_stack(servers, QUICK_HASHES, **PATIENT) as running:
        yield running


@pytest.fixture
def worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerState]:
    """A worker's adapters, on a Redis that is mended already. Its drains do not stay for long."""
    monkeypatch.setattr(drain, "WAIT_FOR_MORE_MS", 50)
    state = WorkerState.create(settings)
    with monkeypatch.context() as patched:
        patched.setattr(maintenance, "FEW", 0)  # boards without standings are made whole together, as at midnight
        maintenance.repair(state)
    maintenance.show_alive(state)
    yield state
    state.close()


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    with running_commands() as running:
        yield running


@pytest.fixture
def command_line(commands: Commands, worker: WorkerState) -> CommandLine:
    return command_line_of(commands, worker.settings)


@pytest.fixture
def engine(worker: WorkerState) -> Engine:
    return worker.engine


@pytest.fixture
def client_of_redis(worker: WorkerState) -> Client:
    return worker.redis


@pytest.fixture
def app(settings: Settings, worker: WorkerState) -> Iterator[Flask]:
    with documented_application(settings) as application:
        yield application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def draining(worker: WorkerState) -> Iterator[None]:
    """A worker that drains in a thread as long as the test runs, so that updates get their 200."""
    with draining_thread(worker):
        yield


@pytest.fixture
def ada(client: FlaskClient) -> Player:
    return register(client, "ada")


@contextmanager
def serving_stack(
    servers: Servers, variants: Mapping[str, Variant] | None = None, /, **environment: str
) -> Iterator[Stack]:
    """The running product on a fresh database and an empty Redis."""
    servers.flush_redis(STACK_REDIS_DATABASE)
    url = servers.create_database(f"stack_{secrets.token_hex(6)}", TEMPLATE)
    environment = {"SCOREBOARD_MIGRATE_DATABASE_URL": url, **environment}
    with running_stack(servers, as_serving_role(url), STACK_REDIS_DATABASE, variants, **environment) as running:
        yield running


def as_serving_role(url: str) -> str:
    """The same database for the role that serves."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{SERVING.name}:{SERVING.password}@{address}").geturl()


@contextmanager
def draining_thread(worker: WorkerState) -> Iterator[None]:
    done = threading.Event()

    def drain() -> None:
        while not done.wait(0.002):
            worker.drain.run()

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _settings(database_url: str, redis_url: str, **environment: str) -> Settings:
    defaults = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
    }
    return settings_module.load({**defaults, **environment})
