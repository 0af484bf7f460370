"""Fixtures of the tests that put something between the product and its servers."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from dev.harness.servers import Servers
from tests.chaos.proxy import Proxy


@pytest.fixture
def proxy(servers: Servers) -> Iterator[Proxy]:
    """The way to Redis."""
    parts = urlsplit(servers.redis_url())
    made = Proxy((str(parts.hostname), int(parts.port or 0)))
    made.start()
    yield made
    made.stop()
