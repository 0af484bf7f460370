"""One running product for all tests of its front door: each leaves it running, with whatever was done to its data."""

from collections.abc import Iterator

import pytest

from dev.harness.servers import Servers
from dev.harness.stack import Stack
from tests.conftest import serving_stack


@pytest.fixture(scope="package")
def stack(servers: Servers) -> Iterator[Stack]:
    """An update waits long for its 200, and less than the web is given to end."""
    with serving_stack(servers, SCOREBOARD_RESULT_WAIT_MS="3000") as running:
        yield running
