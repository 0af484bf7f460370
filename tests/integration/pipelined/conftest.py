"""A pipelined connection in the loop of the test, and a plain client past it."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from gevent import socket as gevent_socket

from common.core import deadlines
from common.redis_store import client as redis_client
from dev.harness.servers import Servers
from tests.conftest import REDIS_DATABASE
from web.pipelined.client import PipelinedClient
from web.pipelined.connection import PipelinedConnection


@pytest.fixture(autouse=True)
def cooperative(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connecting lets other greenlets run, as in a web process, whose sockets are all patched."""
    monkeypatch.setattr(redis.connection, "socket", gevent_socket)
    yield
    deadlines.end()


@pytest.fixture
def url(servers: Servers) -> str:
    servers.flush_redis(REDIS_DATABASE)
    return servers.redis_url(REDIS_DATABASE)


@pytest.fixture
def connection(url: str) -> Iterator[PipelinedConnection]:
    with closing(PipelinedConnection(url)) as made:
        yield made


@pytest.fixture
def shared(connection: PipelinedConnection, url: str) -> Iterator[PipelinedClient]:
    """A client that repeats a command once."""
    with closing(PipelinedClient(connection, redis_client.pool_to_pipeline(url), repeats=True)) as made:
        yield made


@pytest.fixture
def plain(url: str) -> Iterator[redis.Redis]:
    with closing(redis_client.connect(url)) as made:
        yield made
