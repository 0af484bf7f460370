"""The hub on real sockets in this process: who is pinged, who is let go, and that nobody troubles anybody else."""

import base64
import secrets
import socket
import struct
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, cast

import gevent
import orjson
import pytest
import redis
import simple_websocket
import time_machine
from sqlalchemy.exc import OperationalError
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.entries import BoardHead, Entry, Place, Places
from common.redis_store.client import Client
from common.redis_store.tickets import Ticket
from common.services.leaderboard import Leaderboard
from common.services.revocations import Revocations
from tests.live_client import Screen
from web.live.feed import Feed
from web.live.frames import text_frame
from web.live.group import Watch
from web.live.heartbeats import Heartbeats
from web.live.hub import MESSAGES_PER_BEAT, Hub, Slot
from web.live.viewer import LONGEST_OUTBOX_BYTES, Viewer
from web.live.views import LONGEST_MESSAGE_BYTES, _NoThread

ALL = Watch("main", "all", 10)
RESYNC = '{"type": "resync"}'


def head(seq: int, *scores: int, epoch: str = "e") -> BoardHead:
    entries = tuple(Entry(f"user-{rank}", "x" * 32, score, rank, 0) for rank, score in enumerate(scores, start=1))
    return BoardHead(epoch, seq, 0, len(scores), entries)


def bulky(seq: int) -> BoardHead:
    """A head whose every frame is long."""
    return head(seq, *(1000 - rank + seq for rank in range(100)))


class Peer:
    """A viewer's end of a connection that the hub has adopted."""

    made: ClassVar[list["Peer"]] = []

    def __init__(
        self,
        hub: Hub,
        watch: Watch = ALL,
        *,
        since: str | None = None,
        reads: bool = True,
        slot: Slot | None = None,
        ticket: Ticket | None = None,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.socket = socket.socket()
            self.made.append(self)
            if not reads:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.connect(listener.getsockname())
            accepted, _ = listener.accept()
        slot = slot or hub.reserve("192.0.2.1")
        hub.open(watch, watch.period, head(1, 10))
        hub.expect(slot, watch)
        server = simple_websocket.Server(
            handshake_environ(accepted), thread_class=_NoThread, max_message_size=LONGEST_MESSAGE_BYTES
        )
        slot.ticket = ticket
        hub.adopt(server, slot, since)
        self.group = slot.group
        self.socket.settimeout(5)
        while not self.socket.recv(1, socket.MSG_PEEK | socket.MSG_WAITALL):
            pass
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        self.socket.setblocking(False)
        self.protocol = Connection(ConnectionType.CLIENT)
        self.events: list[Event] = []
        self._screen = Screen()
        self.hung_up: str | None = None

    def read(self) -> list[Event]:
        """Take in what has come; returns all events so far."""
        try:
            while data := self.socket.recv(65536):
                self.protocol.receive_data(data)
                for event in self.protocol.events():
                    self._show(event)
            self.hung_up = self.hung_up or "closed"
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.hung_up = "reset"
        return self.events

    @property
    def screen(self) -> Screen:
        self.read()
        return self._screen

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [orjson.loads(event.data) for event in self.read() if isinstance(event, TextMessage)]

    @property
    def close_code(self) -> int | None:
        return next((int(event.code) for event in self.read() if isinstance(event, CloseConnection)), None)

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.read())

    def say(self, event: Event) -> None:
        self.send(self.protocol.send(event))

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        while data:
            try:
                data = data[self.socket.send(data) :]
            except BlockingIOError:
                gevent.sleep(0.001)

    def _show(self, event: Event) -> None:
        """Whole messages; the library hands out a long one in pieces."""
        last = self.events[-1] if self.events else None
        if isinstance(last, TextMessage) and not last.message_finished and isinstance(event, TextMessage):
            event = replace(event, data=last.data + event.data)
            self.events.pop()
        self.events.append(event)
        if isinstance(event, TextMessage) and event.message_finished:
            self._screen.show(orjson.loads(event.data))


def handshake_environ(accepted: socket.socket) -> dict[str, Any]:
    return {
        "gunicorn.socket": accepted,
        "HTTP_HOST": "scoreboard",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_UPGRADE": "websocket",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(secrets.token_bytes(16)).decode(),
    }


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Let the loop run until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        gevent.sleep(0.001)


def beat(hub: Hub, after: float) -> None:
    """The hub looks after its viewers as if so many seconds had passed."""
    hub.beat(time.monotonic() + after)


def tell(hub: Hub, peer: Peer, top: BoardHead) -> None:
    assert peer.group
    frame = peer.group.advance(peer.group.period_id, top)
    assert frame
    hub.broadcast(peer.group, frame)


def viewer_of(peer: Peer) -> Viewer:
    assert peer.group
    (viewer,) = peer.group.viewers
    return viewer


def stall(hub: Hub, peer: Peer) -> int:
    """Send to a viewer that does not read until something stays unsent; the seq last sent."""
    seq = 1
    while not viewer_of(peer).is_waiting:
        seq += 1
        tell(hub, peer, bulky(seq))
    return seq


@pytest.fixture(autouse=True)
def everybody_hangs_up() -> Iterator[None]:
    yield
    while Peer.made:
        Peer.made.pop().socket.close()


@pytest.fixture
def hub(everybody_hangs_up: None) -> Hub:
    return Hub(most=100, most_per_address=100)


# -- the library underneath --------------------------------------------------------------------------------------------


def test_simple_websocket_is_the_version_whose_inside_the_viewer_uses() -> None:
    pinned = (Path(__file__).resolve().parents[2] / "requirements" / "production.txt").read_text()
    assert "simple-websocket==1.1.0" in pinned
    assert version("simple-websocket") == "1.1.0"


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


# -- what a viewer may not do ------------------------------------------------------------------------------------------


def mask(head_byte: int, data: bytes) -> bytes:
    """A client's frame with a mask of zeros."""
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
    return bytes([head_byte]) + length + b"\0\0\0\0" + data


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
        said += 1  # several control frames that come together count as one
        gevent.sleep(0.0005)
        assert said < 10 * MESSAGES_PER_BEAT
    assert peer.close_code == CloseReason.POLICY_VIOLATION
    assert said > MESSAGES_PER_BEAT


def test_ten_messages_a_second_are_not_too_much(hub: Hub) -> None:
    peer = Peer(hub)
    for turn in range(1, 6):
        for _ in range(MESSAGES_PER_BEAT - 10):
            peer.say(TextMessage("{}"))
        peer.say(Ping())
        until(lambda turn=turn: peer.count(Pong) == turn)  # type: ignore[misc]  # a default that binds
        for _ in range(10):
            beat(hub, 0)
    assert peer.close_code is None


# -- resync, and those who do not keep up ------------------------------------------------------------------------------


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


# -- staying -----------------------------------------------------------------------------------------------------------


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
    beat(hub, 51)
    until(lambda: peer.close_code == CloseReason.GOING_AWAY)


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


# -- coming and leaving ------------------------------------------------------------------------------------------------


def test_places_are_counted_before_the_handshake_and_given_back() -> None:
    hub = Hub(most=3, most_per_address=2)
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
    hub.expect(slot, ALL)
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
    hub = Hub(most=300, most_per_address=300)
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
    hub = Hub(most=10, most_per_address=10)
    slot = hub.reserve("192.0.2.1")
    gevent.spawn(hub.stop)
    gevent.sleep(0)
    peer = Peer(hub, slot=slot)
    until(lambda: peer.close_code == 1012)
    peer.socket.close()
    hub.stop()


# -- the feed ----------------------------------------------------------------------------------------------------------


@dataclass
class FakeLeaderboard:
    """Heads by (board, period id); an exception is raised, None is a board that is not served."""

    heads: dict[tuple[str, str], BoardHead | Exception | None]
    scores: dict[str, int] = field(default_factory=dict)
    """Of those who are asked for by id; who is missing is not ranked."""

    def live_places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places | None:
        head = self.heads[board_id, period_id]
        assert isinstance(head, BoardHead)
        self.places_read += len(user_ids)
        order = sorted(self.scores, key=lambda user_id: -self.scores[user_id])
        of = {user_id: Place(user_id, user_id, len(order), None) for user_id in user_ids}
        for rank, user_id in enumerate(order, start=1):
            if user_id in of:
                entry = Entry(user_id, user_id, self.scores[user_id], rank, 0)
                of[user_id] = replace(of[user_id], entry=entry)
        return Places(head.epoch, head.seq, of)

    def __post_init__(self) -> None:
        self.reads: list[tuple[str, str, int]] = []
        self.places_read = 0

    def live_top(self, board_id: str, period_id: str, limit: int) -> BoardHead | None:
        self.reads.append((board_id, period_id, limit))
        found = self.heads.get((board_id, period_id))
        if isinstance(found, Exception):
            raise found
        return found


class NoNews:
    """A Redis that is never there."""

    def __init__(self) -> None:
        self.attempts = 0

    def pubsub(self) -> None:
        self.attempts += 1
        raise redis.ConnectionError("away")


class FakeRevocations:
    """Sessions that are over."""

    def __init__(self, *over: str) -> None:
        self.over = set(over)

    def ended(self, session_ids: Collection[str]) -> set[str]:
        return self.over & set(session_ids)


def feed_of(hub: Hub, board: FakeLeaderboard, listener: object = None, *over: str) -> Feed:
    revocations = cast(Revocations, FakeRevocations(*over))
    return Feed(hub, cast(Leaderboard, board), revocations, cast(Client, listener), Heartbeats())


def test_a_board_is_read_once_for_everybody_and_for_the_greatest_limit(hub: Hub) -> None:
    three, one = Peer(hub, Watch("main", "all", 3)), Peer(hub, Watch("main", "all", 1))
    board = FakeLeaderboard({("main", "all"): head(2, 30, 20, 10)})
    assert feed_of(hub, board).look() > 0
    until(lambda: (three.screen.seq, one.screen.seq) == (2, 2))
    assert board.reads == [("main", "all", 3)]
    assert (len(three.screen.entries), len(one.screen.entries)) == (3, 1)


def test_a_board_that_redis_does_not_serve_now_stays_as_it_was_last_seen(hub: Hub) -> None:
    peer = Peer(hub)
    board = FakeLeaderboard({("main", "all"): None})
    assert feed_of(hub, board).look() == 0
    board.heads["main", "all"] = head(1, 99, epoch="f")
    feed_of(hub, board)._mark_all_due()
    feed_of(hub, board).look()
    until(lambda: peer.screen.version == "f:1")
    assert [message["type"] for message in peer.messages] == ["snapshot", "snapshot"]


def test_one_board_that_cannot_be_read_keeps_no_other_from_being_told(hub: Hub) -> None:
    Peer(hub, Watch("broken", "all", 10))
    good = Peer(hub, Watch("good", "all", 10))
    away = OperationalError("SELECT", {}, Exception("away"))
    feed_of(hub, FakeLeaderboard({("broken", "all"): away, ("good", "all"): head(2, 20)})).look()
    until(lambda: good.screen.seq == 2)


def test_when_a_named_period_rolls_over_its_viewers_are_told_and_see_the_new_one(hub: Hub) -> None:
    board = FakeLeaderboard({("main", "2026-W48"): head(5, 50), ("main", "2026-W49"): head(1, epoch="f")})
    named = Peer(hub, Watch("main", "weekly", 10))
    fixed = Peer(hub, Watch("main", "2026-W48", 10))
    feed = feed_of(hub, board)
    with time_machine.travel(datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC), tick=False):
        feed.look()
        until(lambda: named.screen.period == "2026-W48", 1e9)
    with time_machine.travel(datetime(2026, 11, 30, tzinfo=UTC), tick=False):
        feed.look()
        until(lambda: named.screen.period == "2026-W49", 1e9)
    rollover, snapshot = named.messages[-2:]
    assert rollover == {"type": "rollover", "board": "main", "period": "2026-W49"}
    assert (snapshot["type"], snapshot["period"], snapshot["entries"]) == ("snapshot", "2026-W49", [])
    assert (fixed.screen.period, fixed.screen.seq) == ("2026-W48", 5)


def test_a_redis_that_stays_away_is_tried_again_without_haste_and_the_board_still_polled(hub: Hub) -> None:
    peer, listener = Peer(hub), NoNews()
    feed = feed_of(hub, FakeLeaderboard({("main", "all"): head(2, 20)}), listener)
    feed.start()
    feed.start()
    try:
        until(lambda: peer.screen.seq == 2)
        until(lambda: listener.attempts >= 3)
        assert listener.attempts < 10
    finally:
        feed.stop()


# -- those with a ticket -----------------------------------------------------------------------------------------------

ADA = Ticket("ada", "session-of-ada")


def own_places(peer: Peer) -> list[tuple[int, int | None, int | None]]:
    """Score, rank and the rank before, as told in each `me`."""
    told = [message for message in peer.messages if message["type"] == "me"]
    return [(message["entry"]["score"], message["entry"]["rank"], message["previousRank"]) for message in told]


def news_of(feed: Feed, *players: str) -> None:
    feed._take_in(orjson.dumps({"boards": [{"board": "main", "period": "all"}], "players": players}).decode())


def test_a_follower_hears_of_their_place_after_the_first_snapshot(hub: Hub) -> None:
    ada, other = Peer(hub, ticket=ADA), Peer(hub)
    feed = feed_of(hub, FakeLeaderboard({("main", "all"): head(2, 30)}, {"grace": 30, "ada": 20}))
    feed.look()
    until(lambda: own_places(ada) == [(20, 2, None)])
    assert [message["type"] for message in ada.messages] == ["snapshot", "delta", "me"]
    assert (ada.messages[-1]["seq"], ada.messages[-1]["entry"]["username"]) == (2, "ada")
    assert own_places(other) == []


def test_a_follower_who_is_not_ranked_hears_that(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA)
    feed_of(hub, FakeLeaderboard({("main", "all"): head(2, 30)})).look()
    until(lambda: own_places(ada) == [(0, None, None)])
    assert ada.messages[-1]["entry"]["lastUpdated"] is None


def test_a_follower_s_own_score_is_told_at_once_and_a_mere_rank_once_a_second(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA)
    board = FakeLeaderboard({("main", "all"): head(2, 30)}, {"ada": 20})
    feed = feed_of(hub, board)
    feed.look()
    until(lambda: own_places(ada) == [(20, 1, None)])

    board.heads["main", "all"], board.scores["ada"] = head(3, 30, 25), 25
    news_of(feed, "ada")
    feed.look()
    until(lambda: own_places(ada)[1:] == [(25, 1, 1)])

    for seq in range(4, 8):
        board.heads["main", "all"], board.scores["grace"] = head(seq, 30, 25), 26 + seq
        news_of(feed, "grace")
        feed.look()
    read = board.places_read
    assert read == 2, "a rank that others moved is not even looked up within the second"
    (follower,) = hub.followers._of.values()
    follower.read_at -= 1.0
    news_of(feed, "grace")
    feed.look()
    until(lambda: own_places(ada)[2:] == [(25, 2, 1)])


def test_what_did_not_change_is_not_told(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA)
    feed = feed_of(hub, FakeLeaderboard({("main", "all"): head(2, 30)}, {"ada": 20}))
    for _ in range(3):
        news_of(feed, "ada")
        feed.look()
    until(lambda: own_places(ada) == [(20, 1, None)])
    viewer_of(ada).send(text_frame({"type": "end"}))
    until(lambda: ada.messages[-1]["type"] == "end")
    assert own_places(ada) == [(20, 1, None)]


def test_a_follower_who_lags_is_told_when_they_have_caught_up(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA, reads=False)
    seq = stall(hub, ada)
    board = FakeLeaderboard({("main", "all"): bulky(seq + 1)}, {"ada": 20})
    feed = feed_of(hub, board)
    feed.look()
    assert board.places_read == 0
    until(lambda: ada.screen.seq == seq + 1 and not viewer_of(ada).is_waiting)
    feed._mark_all_due()
    feed.look()
    until(lambda: own_places(ada) == [(20, 1, None)])


def test_a_rollover_brings_the_follower_s_place_in_the_new_period(hub: Hub) -> None:
    board = FakeLeaderboard({("main", "2026-W48"): head(5, 50), ("main", "2026-W49"): head(1, epoch="f")}, {"ada": 50})
    ada = Peer(hub, Watch("main", "weekly", 10), ticket=ADA)
    feed = feed_of(hub, board)
    with time_machine.travel(datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC), tick=False):
        feed.look()
        until(lambda: own_places(ada) == [(50, 1, None)], 1e9)
    board.scores.clear()
    with time_machine.travel(datetime(2026, 11, 30, tzinfo=UTC), tick=False):
        feed.look()
        until(lambda: own_places(ada)[1:] == [(0, None, None)], 1e9)
    assert [message["type"] for message in ada.messages[-3:]] == ["rollover", "snapshot", "me"]


def test_a_session_s_end_closes_its_streams_and_no_other(hub: Hub) -> None:
    ada, again, other, guest = (
        Peer(hub, ticket=ADA),
        Peer(hub, ticket=ADA),
        Peer(hub, ticket=Ticket("b", "s")),
        Peer(hub),
    )
    hub.end_sessions([ADA.session_id])
    until(lambda: (ada.close_code, again.close_code) == (1008, 1008))
    assert (other.close_code, guest.close_code) == (None, None)


def test_a_session_that_ended_unheard_of_is_found_out(hub: Hub) -> None:
    ada, other = Peer(hub, ticket=ADA), Peer(hub, ticket=Ticket("grace", "session-of-grace"))
    feed = feed_of(hub, FakeLeaderboard({}), NoNews(), ADA.session_id)
    feed.start()
    assert ada.group
    try:
        feed.expect_follower(ada.group)
        until(lambda: ada.close_code == 1008)
    finally:
        feed.stop()
    assert other.close_code is None


def test_a_follower_who_is_gone_is_forgotten(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA)
    assert hub.followers.sessions() == {ADA.session_id}
    ada.socket.close()
    until(lambda: not hub.followers.sessions())
    assert hub.followers.in_sessions([ADA.session_id]) == []
