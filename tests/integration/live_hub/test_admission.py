"""How viewers are admitted and counted, and what happens when they or the hub leave."""

import socket
import struct
import time

import gevent
import pytest

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.boards import Visibility
from tests.integration.live_hub.peer import ALL, Peer, until
from web.live.hub import Hub


def test_places_are_counted_before_the_handshake_and_given_back() -> None:
    hub = Hub(most=3, most_per_address=2, most_groups=100)
    first, _second = hub.reserve("192.0.2.1"), hub.reserve("192.0.2.1")
    with pytest.raises(ScoreboardError) as refused:
        hub.reserve("192.0.2.1")
    assert (refused.value.code, refused.value.retry_after) == (ErrorCode.TOO_MANY_CONNECTIONS, 10)
    hub.reserve("192.0.2.2")
    with pytest.raises(ScoreboardError) as refused:
        hub.reserve("192.0.2.3")
    assert (refused.value.code, refused.value.retry_after) == (ErrorCode.DEPENDENCY_UNAVAILABLE, 10)
    hub.release(first)
    hub.release(first)
    hub.reserve("192.0.2.1")
    with pytest.raises(ScoreboardError):
        hub.reserve("192.0.2.1")


def test_a_group_is_forgotten_with_its_last_viewer_and_not_before_an_expected_one_came(hub: Hub) -> None:
    peer = Peer(hub)
    slot = hub.reserve("192.0.2.1")
    hub.expect(slot, ALL, Visibility.PUBLIC)
    peer.socket.close()
    until(lambda: peer.group and not peer.group.viewers)
    assert hub.is_watched(ALL)
    hub.release(slot)
    assert not hub.is_watched(ALL)


def test_a_viewer_that_is_gone_when_it_is_adopted_costs_nothing(hub: Hub) -> None:
    peers = [Peer(hub) for _ in range(10)]
    for peer in peers:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()
    until(lambda: not hub.is_watched(ALL))


def test_a_stop_tells_everybody_1012_and_admits_nobody_more() -> None:
    hub = Hub(most=300, most_per_address=300, most_groups=100)
    late = hub.reserve("192.0.2.9")
    peers = [Peer(hub) for _ in range(150)]
    started = time.monotonic()
    stopping = gevent.spawn(hub.stop)
    gevent.sleep(0)
    with pytest.raises(ScoreboardError) as refused:
        hub.reserve("192.0.2.9")
    assert refused.value.code is ErrorCode.DEPENDENCY_UNAVAILABLE
    until(lambda: {peer.close_code for peer in peers} == {1012})
    assert time.monotonic() - started > 1.5  # spread over two seconds
    for peer in peers:
        peer.socket.close()
    stopping.join()
    assert time.monotonic() - started < 4
    hub.release(late)


def test_a_viewer_whose_handshake_ends_during_a_stop_is_told_too() -> None:
    hub = Hub(most=10, most_per_address=10, most_groups=100)
    slot = hub.reserve("192.0.2.1")
    gevent.spawn(hub.stop)
    gevent.sleep(0)
    peer = Peer(hub, slot=slot)
    until(lambda: peer.close_code == 1012)
    peer.socket.close()
    hub.stop()
