"""Viewers by the thousand in a process of their own, which check every frame: `Viewers.start`, then `finish`.

A delta whose `from` is not the `seq` of the frame before it, or whose epoch is another one, is a broken chain; so a
lost frame, a doubled one and one out of order are all found.
"""

import base64
import multiprocessing
import random
import secrets
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

import orjson

AT_ONCE = 100
"""How many handshakes are under way at a time."""

_END_OF_HEADERS = b"\r\n\r\n"
_SLOW_BYTES_PER_SECOND = 1024
_LONG_LENGTH = 126  # RFC 6455, section 5.2
_WAIT_SECONDS = 30.0


class Watched(NamedTuple):
    """What some viewers ask for: how many, with which query, and whether they read `all`, `slowly` or `nothing`."""

    viewers: int
    query: str = "?limit=10"
    reads: str = "all"


class Seen(NamedTuple):
    """What all viewers saw: the times at which each seq arrived, frames, broken chains, and who was hung up on."""

    arrived: dict[int, list[float]]
    frames: int
    broken: int
    ended: int


class _Frame(NamedTuple):
    kind: str
    epoch: str
    before: int
    seq: int


@dataclass
class _Viewer:
    socket: socket.socket
    reads: str = "all"
    data: bytearray = field(default_factory=bytearray)
    at: tuple[str, int] | None = None


class Viewers:
    """Viewers in a process of their own."""

    def __init__(self, process: multiprocessing.process.BaseProcess, pipe: Connection, connected: float) -> None:
        self._process = process
        self._pipe = pipe
        self.connected_per_second = connected

    @classmethod
    def start(cls, port: int, watched: Sequence[Watched]) -> Self:
        """Connect all of them, and return when each has read its first frame."""
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=_watch, args=(port, watched, theirs), daemon=True)
        process.start()
        return cls(process, ours, ours.recv())

    def finish(self) -> Seen:
        """Return what they saw, and end them."""
        self._pipe.send(None)
        seen: Seen = self._pipe.recv()
        self._process.join()
        return seen


def _watch(port: int, watched: Sequence[Watched], parent: Connection) -> None:
    known: dict[bytes, _Frame] = {}
    wanted = [Watched(1, query, reads) for count, query, reads in watched for _ in range(count)]
    random.Random(1).shuffle(wanted)  # noqa: S311 - the same mixture in each run
    started = time.monotonic()
    viewers: list[_Viewer] = []
    for start in range(0, len(wanted), AT_ONCE):
        viewers += _connect(port, wanted[start : start + AT_ONCE], known)
    parent.send(len(viewers) / (time.monotonic() - started))
    parent.send(_Watching(viewers, known).until_told(parent))


def _connect(port: int, wanted: Sequence[Watched], known: dict[bytes, _Frame]) -> list[_Viewer]:
    viewers = []
    for _, query, reads in wanted:
        one = socket.socket()
        if reads != "all":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(_WAIT_SECONDS)
        one.connect(("127.0.0.1", port))
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        one.sendall(
            f"GET /ws/scoreboard{query} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        viewers.append(_Viewer(one, reads))
    for viewer in viewers:
        while _END_OF_HEADERS not in viewer.data:
            viewer.data += viewer.socket.recv(65536)
        head, _, rest = bytes(viewer.data).partition(_END_OF_HEADERS)
        if not head.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(f"refused: {head!r} {rest!r}")
        viewer.data = bytearray(rest)
        while not (frames := _taken_frames(viewer.data, known)):
            viewer.data += viewer.socket.recv(65536)
        viewer.at = (frames[-1].epoch, frames[-1].seq)
        viewer.socket.setblocking(False)
    return viewers


class _Watching:
    """Reads what comes for all viewers."""

    def __init__(self, viewers: Sequence[_Viewer], known: dict[bytes, _Frame]) -> None:
        self._known = known
        self._arrived: dict[int, list[float]] = {}
        self._frames = self._broken = self._ended = 0
        self._slow = [viewer for viewer in viewers if viewer.reads == "slowly"]
        self._selector = selectors.EpollSelector()
        for viewer in viewers:
            if viewer.reads == "all":
                self._selector.register(viewer.socket, selectors.EVENT_READ, viewer)

    def until_told(self, parent: Connection) -> Seen:
        """Read until the parent says that it is enough."""
        self._selector.register(parent, selectors.EVENT_READ)
        due = time.monotonic() + 1.0
        while True:
            for key, _ in self._selector.select(0.2):
                if key.fileobj is parent:
                    return Seen(self._arrived, self._frames, self._broken, self._ended)
                self._read(key.data)
            if time.monotonic() >= due:
                due += 1.0
                for viewer in self._slow:
                    _received(viewer.socket, _SLOW_BYTES_PER_SECOND)

    def _read(self, viewer: _Viewer) -> None:
        chunk = _received(viewer.socket, 65536)
        if not chunk:
            self._ended += 1
            self._selector.unregister(viewer.socket)
            return
        viewer.data += chunk
        now = time.monotonic()
        for frame in _taken_frames(viewer.data, self._known):
            self._take_in(viewer, frame, now)

    def _take_in(self, viewer: _Viewer, frame: _Frame, now: float) -> None:
        if frame.kind not in ("delta", "snapshot"):
            return
        if frame.kind == "delta" and viewer.at != (frame.epoch, frame.before):
            self._broken += 1
        viewer.at = (frame.epoch, frame.seq)
        self._frames += 1
        self._arrived.setdefault(frame.seq, []).append(now)


def _received(one: socket.socket, most: int) -> bytes:
    try:
        return one.recv(most)
    except OSError:
        return b""


def _taken_frames(data: bytearray, known: dict[bytes, _Frame]) -> list[_Frame]:
    """Remove the complete text frames from the front of `data` and return them; all viewers get the same bytes."""
    taken = []
    while len(data) > 1:
        start, length = (4, int.from_bytes(data[2:4], "big")) if data[1] == _LONG_LENGTH else (2, data[1])
        if len(data) < start + length:
            break
        whole = bytes(data[: start + length])
        del data[: start + length]
        frame = known.get(whole)
        if frame is None:
            frame = known[whole] = _parsed(whole[start:])
        taken.append(frame)
    return taken


def _parsed(payload: bytes) -> _Frame:
    if not payload.startswith(b"{"):
        return _Frame("control", "", 0, 0)
    message = orjson.loads(payload)
    return _Frame(message["type"], message.get("epoch", ""), message.get("from", 0), message.get("seq", 0))
