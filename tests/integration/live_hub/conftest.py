"""A hub, and the end of every viewer after each test."""

from collections.abc import Iterator

import pytest

from tests.integration.live_hub.peer import Peer
from web.live.hub import Hub


@pytest.fixture(autouse=True)
def everybody_hangs_up() -> Iterator[None]:
    yield
    while Peer.made:
        Peer.made.pop().socket.close()


@pytest.fixture
def hub(everybody_hangs_up: None) -> Hub:
    return Hub(most=100, most_per_address=100, most_groups=100)
