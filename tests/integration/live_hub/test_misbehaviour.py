"""Viewers that break the protocol or talk too much: they alone are closed, and told why."""

import struct

import gevent
import pytest
from wsproto.events import CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason

from tests.integration.live_hub.peer import RESYNC, Peer, beat, head, mask, tell, until, viewer_of
from web.live.counted_frames import MOST_FRAMES
from web.live.handshake import LONGEST_MESSAGE_BYTES
from web.live.hub import Hub


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (mask(0x81, b"\xff\xfe"), 1007),
        (b"\x81\x02{}", 1002),
        (mask(0xC1, b"{}"), 1002),
        (mask(0x83, b""), 1002),
        (mask(0x09, b""), 1002),
        (mask(0x89, b"x" * 126), 1002),
        (mask(0x80, b"x"), 1002),
        (mask(0x88, struct.pack("!H", 1005)), 1002),
        (mask(0x88, b"\x03"), 1002),
        (mask(0x81, b"x" * (LONGEST_MESSAGE_BYTES + 1)), 1009),
        (mask(0x01, b"x" * LONGEST_MESSAGE_BYTES) + mask(0x80, b"x"), 1009),
        (mask(0x81, b"x" * (LONGEST_MESSAGE_BYTES + 1)) + b"x" * 500_000, 1009),
    ],
    ids=[
        "invalid UTF-8", "unmasked", "compressed", "unknown opcode", "fragmented ping", "long ping",
        "continuation of nothing", "reserved close code", "half a close code", "too big", "too big in pieces",
        "too big and more",
    ],
)  # fmt: skip
def test_what_breaks_the_protocol_ends_that_viewer_alone_and_says_why(hub: Hub, data: bytes, code: int) -> None:
    bad, good = Peer(hub), Peer(hub)
    bad.send(data)
    until(lambda: bad.close_code is not None)
    assert bad.close_code == code
    tell(hub, good, head(2, 20))
    until(lambda: good.screen.seq == 2)
    bad.socket.close()
    assert good.close_code is None


def test_a_message_of_exactly_the_longest_length_is_taken(hub: Hub) -> None:
    peer = Peer(hub)
    peer.say(TextMessage(RESYNC + " " * (LONGEST_MESSAGE_BYTES - len(RESYNC))))
    until(lambda: len(peer.messages) == 2)


def test_no_frame_follows_a_close_frame(hub: Hub) -> None:
    peer, other = Peer(hub), Peer(hub)
    peer.send(mask(0x81, b"x" * 2000))
    until(lambda: peer.close_code == 1009)
    for seq in range(2, 20):
        tell(hub, other, head(seq, seq))
        gevent.sleep(0)
    until(lambda: other.screen.seq == 19)
    assert isinstance(peer.read()[-1], CloseConnection)


@pytest.mark.parametrize("event", [TextMessage("{}"), TextMessage(RESYNC), Ping(), Pong()], ids=str)
def test_one_who_talks_too_much_is_shown_the_door(hub: Hub, event: Event) -> None:
    peer = Peer(hub)
    said = 0
    while peer.close_code is None:
        peer.say(event)
        said += 1
        gevent.sleep(0.0005)
        assert said < 10 * MOST_FRAMES
    assert peer.close_code == CloseReason.POLICY_VIOLATION
    assert said > MOST_FRAMES


def test_pongs_need_no_parser_and_count_with_what_is_said_after_them(hub: Hub) -> None:
    peer = Peer(hub)
    viewer = viewer_of(peer)
    for said in range(1, MOST_FRAMES):
        peer.say(Pong())
        until(lambda said=said: viewer._pongs == said)  # type: ignore[misc]  # a default of a lambda
    assert viewer._frames is None
    peer.say(TextMessage(RESYNC))
    until(lambda: len(peer.messages) == 2)
    assert peer.close_code is None
    peer.say(TextMessage(RESYNC))
    until(lambda: peer.close_code == CloseReason.POLICY_VIOLATION)


def test_a_pong_that_comes_in_two_pieces_is_a_pong(hub: Hub) -> None:
    peer = Peer(hub)
    pong = mask(0x8A, b"")
    peer.send(pong[:3])
    until(lambda: viewer_of(peer)._frames is not None)
    peer.send(pong[3:] + mask(0x81, RESYNC.encode()))
    until(lambda: len(peer.messages) == 2)
    assert peer.close_code is None


def test_frames_that_come_in_one_piece_are_counted_each_and_those_after_the_limit_not_even_read(hub: Hub) -> None:
    many, enough = Peer(hub), Peer(hub)
    many.send(mask(0x89, b"") * (MOST_FRAMES + 200))
    enough.send(mask(0x89, b"") * MOST_FRAMES)
    until(lambda: many.close_code is not None)
    assert (many.close_code, many.close_reason) == (CloseReason.POLICY_VIOLATION, "too many messages")
    until(lambda: enough.count(Pong) == MOST_FRAMES)
    assert enough.close_code is None


def test_the_pieces_of_a_message_are_frames_too(hub: Hub) -> None:
    peer = Peer(hub)
    peer.send(mask(0x01, b"") + mask(0x00, b"") * MOST_FRAMES)
    until(lambda: peer.close_code is not None)
    assert peer.close_code == CloseReason.POLICY_VIOLATION


def test_ten_messages_a_second_are_not_too_much(hub: Hub) -> None:
    peer = Peer(hub)
    for turn in range(1, 6):
        for _ in range(MOST_FRAMES - 10):
            peer.say(TextMessage("{}"))
        peer.say(Ping())
        until(lambda turn=turn: peer.count(Pong) == turn)  # type: ignore[misc]  # a default that binds
        for _ in range(10):
            beat(hub, 0)
    assert peer.close_code is None
