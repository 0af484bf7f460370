"""A viewer's connection: its socket, taken over from the web server, and an outbox that keeps frames in order.

Most viewers say nothing but pongs, and thousands of them are watched by a process, so what one has is made when it is
needed: what parses their frames with the first that is no pong, what waits for room with the first that does not fit.
"""

import _socket
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, cast

from gevent import get_hub
from wsproto.connection import Connection
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from web.live.counted_frames import MOST_FRAMES, CountedFrames, TooManyFramesError
from web.live.handshake import AnsweredServer

_READ, _WRITE = 1, 2
_CHUNK = 2048
"""A viewer's input is read in small pieces, so that it does not keep the loop from the others."""

SEND_BUFFER_BYTES = 64 * 1024
LONGEST_OUTBOX_BYTES = 64 * 1024 + 16 * 1024
_PONG = b"\x8a\x80"  # with a mask and without a payload, as our ping is answered
_PONG_BYTES = len(_PONG) + 4
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class Host(Protocol):
    """The callbacks of a viewer, which the hub implements."""

    def on_messages(self, viewer: "Viewer", messages: list[str | bytes]) -> None:
        """Handle the complete messages in the data that was received."""

    def on_too_many_frames(self, viewer: "Viewer") -> None:
        """Handle that the viewer has sent more frames than it may."""

    def on_drained(self, viewer: "Viewer") -> None:
        """Handle that the outbox is empty again."""

    def on_closed(self, viewer: "Viewer", reason: str) -> None:
        """Handle that the connection is closed."""

    def on_failed(self, viewer: "Viewer", error: Exception) -> None:
        """Handle an error that must not reach the event loop: the viewer has to be dropped."""


class Viewer:
    """An adopted WebSocket. simple-websocket sees it as its socket, so pongs and close replies queue behind frames."""

    __slots__ = (
        "_frames",
        "_hub",
        "_outbox",
        "_pongs",
        "_raw",
        "_reader",
        "_writer",
        "_ws",
        "address",
        "closing_reason",
        "closing_since",
        "last_received_at",
        "last_sent_at",
        "needs_snapshot",
        "pinged",
        "stalled_at",
    )  # fmt: skip

    def __init__(self, hub: Host, connection: socket.socket, address: str) -> None:
        self._hub = hub
        self._ws: Any = None
        self.address = address
        self.last_received_at = self.last_sent_at = time.monotonic()
        self.stalled_at = self.closing_since = 0.0
        self.needs_snapshot = self.pinged = False
        self.closing_reason = ""
        self._outbox = b""
        self._frames: CountedFrames | None = None
        self._pongs = 0
        self._raw = _take_over(connection)
        self._reader: Any = get_hub().loop.io(self._raw.fileno(), _READ)
        self._writer: Any = None

    def listen(self) -> None:
        """Start reading, if the connection is still open."""
        if self.is_open:
            self._reader.start(_guarded, self, Viewer._readable)

    @property
    def is_open(self) -> bool:
        return self._raw.fileno() >= 0

    @property
    def is_waiting(self) -> bool:
        """Whether unsent data is in the outbox."""
        return bool(self._outbox)

    def send(self, data: bytes) -> int:
        """Send in order without waiting. A viewer whose outbox grows too large is dropped.

        Nothing may follow a close frame, so this does nothing while the viewer is closing.
        """
        if self.closing_reason:
            return len(data)
        if not self._outbox:
            sent = self._try_send(data)
            if sent is None or sent == len(data):
                return len(data)
            data = data[sent:]
            self.stalled_at = time.monotonic()
            if self._writer is None:
                self._writer = get_hub().loop.io(self._raw.fileno(), _WRITE)
            self._writer.start(_guarded, self, Viewer._writable)
        self._outbox += data
        if len(self._outbox) > LONGEST_OUTBOX_BYTES:
            self.reset("outbox")
        return len(data)

    def close_gracefully(self, frame: bytes, reason: str) -> None:
        """Send a close frame, shut down our end, and read until the viewer closes; otherwise the frame may be lost."""
        if not self.is_open or self.closing_reason:
            return
        self.send(frame)
        self._drain(reason)

    def reset(self, reason: str) -> None:
        """Drop the connection with a reset, which frees the kernel's buffers of a viewer that does not read."""
        if self.is_open:
            with suppress(OSError):
                self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.drop(reason)

    def drop(self, reason: str) -> None:
        """Close the connection and tell the hub."""
        if not self.is_open:
            return
        for watcher in filter(None, (self._reader, self._writer)):
            watcher.stop()
            watcher.close()
        self._raw.close()
        self._outbox = b""
        self._hub.on_closed(self, reason)

    def close(self) -> None:
        """Do nothing: simple-websocket asks its socket to close, but that is for the hub to decide."""

    def _try_send(self, data: bytes) -> int | None:
        """Return how many bytes the kernel took; None if the connection was lost and is dropped."""
        try:
            return self._raw.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.drop("gone")
            return None

    def _writable(self) -> None:
        sent = self._try_send(self._outbox)
        if not sent:
            return
        self._outbox = self._outbox[sent:]
        self.stalled_at = time.monotonic()
        if self._outbox:
            return
        self._writer.stop()
        if self.closing_reason:
            self._shut()
        else:
            self._hub.on_drained(self)

    def _readable(self) -> None:
        try:
            data = self._raw.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop(self.closing_reason or "gone")
        elif not self.closing_reason:
            self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        self.last_received_at = time.monotonic()
        self.pinged = False
        if self._ws is None and len(data) == _PONG_BYTES and data.startswith(_PONG):
            self._pongs += 1
            if self._pongs > MOST_FRAMES:
                self._hub.on_too_many_frames(self)
            return
        frames = self._frames or self._parse_from_now_on()
        counted = frames.count
        try:
            frames.receive_data(data)
            goes_on = self._ws._handle_events()
            if frames.count == counted:
                frames.count_one()
        except TooManyFramesError:
            self._hub.on_too_many_frames(self)
            return
        except (LocalProtocolError, RemoteProtocolError):
            goes_on = False
        messages, self._ws.input_buffer = self._ws.input_buffer, []
        if not goes_on:
            self._drain("closed")
        elif self.is_open:
            self._hub.on_messages(self, messages)

    def _parse_from_now_on(self) -> CountedFrames:
        """Make what parses frames, and return what counts them. Until now whole pongs have come and nothing else."""
        self._ws = AnsweredServer({"gunicorn.socket": self})
        self._ws.environ = None
        self._ws.ws = self._frames = CountedFrames(cast(Connection, self._ws.ws.connection))
        self._frames.count = self._pongs
        return self._frames

    def forget_frames(self) -> None:
        """Begin to count frames anew."""
        self._pongs = 0
        if self._frames is not None:
            self._frames.count = 0

    def _drain(self, reason: str) -> None:
        """Send only the rest of the outbox from now on, and then end the stream."""
        if not self.is_open or self.closing_reason:
            return
        self.closing_reason = reason
        self.closing_since = time.monotonic()
        if not self._outbox:
            self._shut()

    def _shut(self) -> None:
        try:
            self._raw.shutdown(socket.SHUT_WR)
        except OSError:
            self.drop(self.closing_reason)


def _guarded(viewer: Viewer, act: Callable[[Viewer], None]) -> None:
    """Report an error to the hub instead of raising it in the event loop."""
    try:
        act(viewer)
    except Exception as error:
        viewer._hub.on_failed(viewer, error)


def _take_over(connection: socket.socket) -> _socket.socket:
    """Take a connection over: the web server's socket object is left without a descriptor and closes nothing."""
    raw = _socket.socket(fileno=connection.detach())
    raw.setblocking(False)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return raw
