"""How the hub and a quiet viewer show each other that they are there."""

import gevent
import pytest
from wsproto.events import Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason

from tests.integration.live_hub.peer import Peer, beat, ended_by, mask, until, viewer_of
from web.live.hub import Hub


def test_a_viewer_hears_a_heartbeat_after_25_quiet_seconds_and_not_before(hub: Hub) -> None:
    peer = Peer(hub)
    beat(hub, 24)
    gevent.sleep(0.01)
    assert [message["type"] for message in peer.messages] == ["snapshot"]
    beat(hub, 26)
    until(lambda: [message["type"] for message in peer.messages] == ["snapshot", "hb"])
    beat(hub, 27)
    gevent.sleep(0.01)
    assert [message["type"] for message in peer.messages] == ["snapshot", "hb"]


def test_a_silent_viewer_is_pinged_once_and_then_let_go_with_1001(hub: Hub) -> None:
    peer = Peer(hub)
    beat(hub, 26)
    beat(hub, 27)
    until(lambda: peer.count(Ping) == 1)
    beat(hub, 49)
    gevent.sleep(0.01)
    assert (peer.count(Ping), peer.close_code) == (1, None)
    ended = ended_by("ping_timeout")
    beat(hub, 51)
    until(lambda: peer.close_code == CloseReason.GOING_AWAY)
    assert peer.close_reason == "ping timeout"
    peer.socket.close()
    until(lambda: ended_by("ping_timeout") == ended + 1)


@pytest.mark.parametrize("sign", [Pong(), TextMessage("{}")], ids=["pong", "message"])
def test_any_sign_of_a_viewer_keeps_it(hub: Hub, sign: Event) -> None:
    peer = Peer(hub)
    beat(hub, 26)
    until(lambda: peer.count(Ping) == 1)
    before = viewer_of(peer).last_received_at
    peer.say(sign)
    until(lambda: viewer_of(peer).last_received_at > before)
    beat(hub, 49)
    until(lambda: peer.count(Ping) == 2)
    assert peer.close_code is None


def test_one_who_never_answers_our_close_is_let_go_after_two_seconds(hub: Hub) -> None:
    peer = Peer(hub)
    peer.send(mask(0x81, b"x" * 2000))
    until(lambda: peer.close_code == 1009)
    viewer = viewer_of(peer)
    beat(hub, 1)
    assert viewer.is_open
    beat(hub, 3)
    assert not viewer.is_open
