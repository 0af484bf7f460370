"""A viewer for tests: what its screen shows, rebuilt from snapshots and deltas, and a connection that feeds it."""

import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import websocket

from dev.harness.waiting import PATIENCE_SECONDS
from tests.documents import described_messages

Message = dict[str, Any]


class NotInOrderError(AssertionError):
    """A frame that does not follow the one before it on this connection."""


class Screen:
    """What a viewer sees. Believes nothing: every delta must begin where the frame before it ended."""

    def __init__(self) -> None:
        self.board = self.period = self.epoch = ""
        self.seq = self.limit = self.total = -1
        self._entries: dict[str, Message] = {}

    def show(self, message: Message) -> None:
        """Take in one message of the server. Raises NotInOrderError."""
        kind = message["type"]
        if kind == "snapshot":
            self._begin(message)
        elif kind == "delta":
            self._change(message)
        elif kind == "resumed" and (message["epoch"], message["seq"]) != (self.epoch, self.seq):
            raise NotInOrderError(f"resumed at {message}, but {self.epoch}:{self.seq} is shown")

    @property
    def version(self) -> str:
        return f"{self.epoch}:{self.seq}"

    @property
    def entries(self) -> list[Message]:
        """The rows in order; fails if ranks are not 1, 2, 3, …"""
        rows = sorted(self._entries.values(), key=lambda entry: int(entry["rank"]))
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1)), rows
        assert len(rows) == min(self.limit, self.total), (len(rows), self.limit, self.total)
        return rows

    @property
    def scores(self) -> list[tuple[str, int]]:
        """User ids with their scores, best first."""
        return [(row["userId"], row["score"]) for row in self.entries]

    def _begin(self, message: Message) -> None:
        self.board, self.period, self.limit = message["board"], message["period"], message["limit"]
        self.epoch, self.seq, self.total = message["epoch"], message["seq"], message["total"]
        self._entries = {entry["userId"]: entry for entry in message["entries"]}
        assert len(self._entries) == len(message["entries"]), "a player twice in a snapshot"

    def _change(self, message: Message) -> None:
        if (message["epoch"], message["from"]) != (self.epoch, self.seq):
            raise NotInOrderError(f"delta from {message['epoch']}:{message['from']}, but {self.version} is shown")
        if message["seq"] <= self.seq:
            raise NotInOrderError(f"delta to {message['seq']}, but {self.seq} is shown")
        self.seq, self.total = message["seq"], message["total"]
        for user_id in message["removed"]:
            del self._entries[user_id]
        self._entries.update((entry["userId"], entry) for entry in message["entries"])


class LiveClient:
    """A connection to the live socket. Answers pings while it waits, as a browser does."""

    def __init__(self, url: str, *, header: dict[str, str] | None = None, seconds: float = PATIENCE_SECONDS) -> None:
        self.screen = Screen()
        self.messages: list[Message] = []
        self.close_code: int | None = None
        self._socket = websocket.create_connection(url, timeout=seconds, header=header or {}, suppress_origin=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def receive(self, seconds: float = PATIENCE_SECONDS) -> Message | None:
        """The next message, shown on the screen; None when the server has closed (see `close_code`).

        Raises TimeoutError if nothing comes in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                opcode, data = self._socket.recv_data(control_frame=True)
            except websocket.WebSocketTimeoutException:
                raise TimeoutError(f"no message within {seconds} s; the last were {self.messages[-3:]}") from None
            except (websocket.WebSocketConnectionClosedException, ConnectionError):
                return None
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                self.close_code = int.from_bytes(data[:2], "big")
                return None
            if opcode == websocket.ABNF.OPCODE_TEXT:
                return self._take_in(json.loads(data))

    def wait_for(self, condition: Callable[[Message], bool], seconds: float = PATIENCE_SECONDS) -> Message:
        """The next message that fits; those before it are shown too."""
        deadline = time.monotonic() + seconds
        while True:
            message = self.receive(max(0.001, deadline - time.monotonic()))
            assert message is not None, f"closed with {self.close_code}; the last were {self.messages[-3:]}"
            if condition(message):
                return message

    def wait_until(self, condition: Callable[[Screen], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for the screen to show something; it may show it already."""
        deadline = time.monotonic() + seconds
        while not condition(self.screen):
            self.wait_for(lambda _message: True, max(0.001, deadline - time.monotonic()))

    def wait_for_close(self, seconds: float = PATIENCE_SECONDS) -> int | None:
        """The code with which the server closes; None if it only hangs up."""
        deadline = time.monotonic() + seconds
        while self.receive(max(0.001, deadline - time.monotonic())) is not None:
            pass
        return self.close_code

    def send(self, text: str) -> None:
        self._socket.send(text)

    def send_bytes(self, data: bytes) -> None:
        """Bytes past the protocol, for frames that no good viewer sends."""
        assert self._socket.sock
        self._socket.sock.sendall(data)

    def close(self) -> None:
        """Hang up."""
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # websocket-client

    def _take_in(self, message: Message) -> Message:
        assert described_messages().problems_of(message) == [], (
            "say it in common/contract/live_messages.py, or mend the hub"
        )
        self.messages.append(message)
        self.screen.show(message)
        return message
