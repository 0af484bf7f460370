"""What the hub leaves to simple-websocket: pongs, messages and the closing handshake."""

import gevent
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from tests.integration.live_hub.peer import Peer, stall, until
from web.live.hub import Hub


def test_a_ping_is_answered_and_a_message_that_nobody_knows_is_ignored(hub: Hub) -> None:
    peer = Peer(hub)
    for text in ("", "[]", "null", '{"type": "other"}', "{", "\ud7ff" * 100):
        peer.say(TextMessage(text))
    peer.say(BytesMessage(b"\xff"))
    peer.say(Ping(b"are you there"))
    until(lambda: peer.count(Pong))
    assert [event.payload for event in peer.events if isinstance(event, Pong)] == [b"are you there"]
    assert [message["type"] for message in peer.messages] == ["snapshot"]
    assert peer.close_code is None


def test_a_pong_never_cuts_a_frame_that_is_half_sent(hub: Hub) -> None:
    peer = Peer(hub, reads=False)
    seq = stall(hub, peer)
    peer.say(Ping(b"now"))
    gevent.sleep(0.01)
    until(lambda: peer.count(Pong))
    until(lambda: peer.screen.seq == seq)


def test_a_close_is_answered_with_its_code(hub: Hub) -> None:
    peer = Peer(hub)
    peer.say(CloseConnection(code=1000, reason="bye"))
    until(lambda: peer.read() and peer.hung_up)
    assert peer.close_code == 1000
