"""The stack of these tests serves with the rights of an administrator, as the pages have it."""

import secrets
from collections.abc import Iterator

import pytest

from dev.harness.servers import Servers
from dev.harness.stack import Stack, running_stack
from tests.conftest import PATIENT, QUICK_HASHES, STACK_REDIS_DATABASE, TEMPLATE


@pytest.fixture(scope="module")
def stack(servers: Servers) -> Iterator[Stack]:
    """The running product on a fresh database and an empty Redis, for one module."""
    servers.flush_redis(STACK_REDIS_DATABASE)
    url = servers.create_database(f"docs_{secrets.token_hex(6)}", TEMPLATE)
    with running_stack(servers, url, STACK_REDIS_DATABASE, QUICK_HASHES, **PATIENT) as running:
        yield running
