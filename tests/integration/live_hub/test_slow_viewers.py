"""Viewers that ask for the state again, and viewers that do not keep up."""

import gevent
import pytest
from wsproto.events import Ping, TextMessage

from tests.integration.live_hub.peer import RESYNC, Peer, beat, bulky, head, stall, tell, until, viewer_of
from web.live.group import Watch
from web.live.hub import Hub
from web.live.viewer import LONGEST_OUTBOX_BYTES, Viewer


def test_a_resync_brings_the_state_last_sent(hub: Hub) -> None:
    peer = Peer(hub)
    tell(hub, peer, head(2, 20, 10))
    peer.say(TextMessage(RESYNC))
    until(lambda: [message["type"] for message in peer.messages] == ["snapshot", "delta", "snapshot"])
    assert peer.screen.version == "e:2"
    assert peer.screen.scores == [("user-1", 20), ("user-2", 10)]


def test_one_who_lags_gets_nothing_more_and_then_one_snapshot_of_now(hub: Hub) -> None:
    peer = Peer(hub, reads=False)
    seq = stall(hub, peer)
    for later in range(seq + 1, seq + 50):
        tell(hub, peer, bulky(later))
    until(lambda: peer.screen.seq == seq + 49)
    assert [message["type"] for message in peer.messages] == ["snapshot", *["delta"] * (seq - 1), "snapshot"]
    tell(hub, peer, bulky(seq + 50))
    until(lambda: peer.screen.seq == seq + 50)


def test_one_who_reads_nothing_is_reset_after_ten_seconds_without_progress(hub: Hub) -> None:
    peer, good = Peer(hub, reads=False), Peer(hub, Watch("other", "all", 10))
    stall(hub, peer)
    beat(hub, 9)
    gevent.sleep(0.01)
    assert viewer_of(peer).is_open
    beat(hub, 11)
    until(lambda: peer.read() is not None and peer.hung_up)
    assert peer.hung_up == "reset"
    assert good.close_code is None


def test_what_one_who_does_not_read_makes_us_say_is_bounded(hub: Hub) -> None:
    peer = Peer(hub, reads=False)
    stall(hub, peer)
    viewer = viewer_of(peer)
    while viewer.is_open:
        viewer.send(b"x" * 4096)
        assert len(viewer._outbox) <= LONGEST_OUTBOX_BYTES


def test_one_viewer_s_failure_reaches_nobody_else(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    peers = [Peer(hub) for _ in range(3)]
    assert peers[0].group
    broken = next(iter(peers[0].group.viewers))
    original = Viewer.send

    def send(viewer: Viewer, data: bytes) -> int:
        if viewer is broken:
            raise ZeroDivisionError
        return original(viewer, data)

    monkeypatch.setattr(Viewer, "send", send)
    tell(hub, peers[0], head(2, 20))
    until(lambda: sum(peer.screen.seq == 2 for peer in peers) == 2)
    beat(hub, 26)
    until(lambda: sum(peer.count(Ping) for peer in peers) == 2)
    assert not broken.is_open
