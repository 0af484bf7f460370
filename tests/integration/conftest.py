"""Fixtures of several modules here: a way to Redis that can be broken, and the product as a game server meets it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from common.core.settings import Settings
from dev.harness.servers import Servers
from tests.chaos.proxy import Proxy
from tests.documents import documented_application
from tests.game_server import GameServer, game_server
from workers.state import WorkerState


@pytest.fixture
def proxy(servers: Servers) -> Iterator[Proxy]:
    """The way to Redis."""
    parts = urlsplit(servers.redis_url())
    made = Proxy((str(parts.hostname), int(parts.port or 0)))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings_of_web(settings: Settings) -> Settings:
    """The settings of `application`; a module with limits of its own has a fixture of this name."""
    return settings


@pytest.fixture
def application(settings_of_web: Settings, worker: WorkerState) -> Iterator[Flask]:
    with documented_application(settings_of_web) as application:
        yield application


@pytest.fixture
def web(application: Flask) -> FlaskClient:
    return application.test_client()


@pytest.fixture
def server(web: FlaskClient, worker: WorkerState, settings_of_web: Settings) -> GameServer:
    return game_server(web, worker.engine, settings_of_web.secret_key.get_secret_value())
