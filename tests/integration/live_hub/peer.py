"""A viewer of the hub, seen from its own end of the connection, and what tests say to the hub."""

import base64
import secrets
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import gevent
import orjson
import simple_websocket
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Event, TextMessage

from common.core import metrics
from common.domain.boards import Visibility
from common.domain.entries import BoardHead, Entry
from common.redis_store.tickets import Ticket
from dev.harness.waiting import PATIENCE_SECONDS
from tests.live_client import Screen
from web.live.group import Watch
from web.live.handshake import LONGEST_MESSAGE_BYTES
from web.live.hub import Hub, Slot
from web.live.viewer import Viewer
from web.live.views import _NoThread

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
        visibility: Visibility = Visibility.PUBLIC,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.socket = socket.socket()
            self.made.append(self)
            if not reads:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.connect(listener.getsockname())
            accepted, _ = listener.accept()
        slot = slot or hub.reserve("192.0.2.1")
        if slot.group is None:
            expect(hub, slot, watch, visibility)
        server = simple_websocket.Server(
            handshake_environ(accepted), thread_class=_NoThread, max_message_size=LONGEST_MESSAGE_BYTES
        )
        slot.ticket = ticket
        assert server.sock
        hub.adopt(server.sock, slot, since)
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

    @property
    def close_reason(self) -> str | None:
        return next((event.reason for event in self.read() if isinstance(event, CloseConnection)), None)

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


def expect(hub: Hub, slot: Slot, watch: Watch, visibility: Visibility = Visibility.PUBLIC) -> None:
    """The viewer of this slot is admitted, and not connected yet."""
    hub.open(watch, watch.period, head(1, 10))
    hub.expect(slot, watch, visibility)


def handshake_environ(accepted: socket.socket) -> dict[str, Any]:
    return {
        "gunicorn.socket": accepted,
        "HTTP_HOST": "scoreboard",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_UPGRADE": "websocket",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(secrets.token_bytes(16)).decode(),
    }


def until(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
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


def ended_by(reason: str) -> float:
    """How many viewers of this process have ended for this reason."""
    return next(
        (
            sample.value
            for metric in metrics.VIEWERS_ENDED.collect()
            for sample in metric.samples
            if sample.name.endswith("_total") and sample.labels == {"reason": reason}
        ),
        0.0,
    )


def stall(hub: Hub, peer: Peer) -> int:
    """Send to a viewer that does not read until something stays unsent; the seq last sent."""
    seq = 1
    while not viewer_of(peer).is_waiting:
        seq += 1
        tell(hub, peer, bulky(seq))
    return seq


def mask(head_byte: int, data: bytes) -> bytes:
    """A client's frame with a mask of zeros."""
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
    return bytes([head_byte]) + length + b"\0\0\0\0" + data
