"""The stack of these tests waits long for the worker: the pages show a 200, whatever else the machine has to do."""

import secrets
from collections.abc import Iterator

import pytest

from dev.harness.servers import Servers
from dev.harness.stack import Stack, running_stack
from tests.conftest import STACK_REDIS_DATABASE, TEMPLATE


@pytest.fixture(scope="module")
def stack(servers: Servers) -> Iterator[Stack]:
    """The running product on a fresh database and an empty Redis, for one module."""
    servers.flush_redis(STACK_REDIS_DATABASE)
    url = servers.create_database(f"docs_{secrets.token_hex(6)}", TEMPLATE)
    with running_stack(servers, url, STACK_REDIS_DATABASE, SCOREBOARD_RESULT_WAIT_MS="8000") as running:
        yield running
