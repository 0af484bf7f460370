"""A generator of our own: prepared requests on kept connections, one process on epoll.

It drives a closed loop where `wrk` is missing, and an open loop, which `wrk` does not have: each request is due at an
instant, and its latency runs from then, however long it had to wait for a connection.
"""

import multiprocessing
import re
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import NamedTuple

from bench import load
from bench.load import Result

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_HEADERS = b"\r\n\r\n"
_WITHOUT_BODY = 304
PATIENCE = 2.0
"""After so many times the time that a pace takes, what was not sent is left out."""

_IDLE_SECONDS = 30.0
"""A server that answers nothing for so long is given up."""


class Driven(NamedTuple):
    """What a process has seen. `latencies` are in milliseconds, `began` is of time.monotonic()."""

    began: float
    seconds: float
    latencies: Sequence[float]
    statuses: Counter[int]
    failures: int


class Work(NamedTuple):
    """What a process is to send. With `per_second` it is an open loop. Nothing more is sent after `seconds`."""

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float | None = None
    per_second: float | None = None
    cycles: bool = False


def run(
    port: int, requests: Sequence[bytes], connections: int, seconds: float | None = None, *, cycles: bool = False
) -> Result:
    """Send the requests, each connection waiting for its answer, until they or the seconds are used up."""
    return result_of(Driver(Work(port, requests, connections, seconds, None, cycles)).finish())


def paced(port: int, requests: Sequence[bytes], connections: int, per_second: float) -> Work:
    """Return the work of sending so many requests a second, whether or not they are answered.

    Latencies run from the due instants. Where the server does not keep up, it ends after twice the time.
    """
    return Work(port, requests, connections, PATIENCE * len(requests) / per_second, per_second)


def result_of(driven: Driven) -> Result:
    return load.of_latencies(driven.latencies, driven.statuses, driven.seconds, driven.failures)


class Driver:
    """A process that sends, from its creation on."""

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("fork")
        self._ours, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_send, args=(work, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def finish(self) -> Driven:
        """Wait for its end and return what it has seen. Raises EOFError if it died."""
        driven: Driven = self._ours.recv()
        self._process.join()
        return driven


def _send(work: Work, parent: Connection) -> None:
    parent.send(_Loop(work).drive())


@dataclass
class _Client:
    """One connection, and since when it waits for an answer."""

    socket: socket.socket
    asked_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)


class _Loop:
    """The loop of one process."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._next = 0
        self._began = time.monotonic()
        self._statuses: Counter[int] = Counter()
        self._latencies: list[float] = []
        self._failures = 0
        self._idle = [_connect(work.port) for _ in range(work.connections)]
        self._busy: dict[int, _Client] = {}
        self._epoll = select.epoll()
        for client in self._idle:
            self._epoll.register(client.socket.fileno(), select.EPOLLIN)

    def drive(self) -> Driven:
        self._began = time.monotonic()
        end = self._began + self._work.seconds if self._work.seconds else None
        while True:
            now = time.monotonic()
            is_over = (end is not None and now >= end) or self._is_used_up()
            while self._idle and not is_over and self._due_at() <= now:
                self._ask(self._idle.pop(), now)
                is_over = self._is_used_up()
            if is_over and not self._busy:
                break
            if not self._take_answers(self._wait_seconds(now, is_over=is_over)):
                break
        seconds = time.monotonic() - self._began
        return Driven(self._began, seconds, self._latencies, self._statuses, self._failures)

    def _is_used_up(self) -> bool:
        return not self._work.cycles and self._next >= len(self._work.requests)

    def _due_at(self) -> float:
        return self._began + self._next / self._work.per_second if self._work.per_second else self._began

    def _wait_seconds(self, now: float, *, is_over: bool) -> float:
        if is_over or not self._idle:
            return _IDLE_SECONDS
        return max(0.0, self._due_at() - now)

    def _ask(self, client: _Client, now: float) -> None:
        client.asked_at = self._due_at() if self._work.per_second else now
        client.socket.sendall(self._work.requests[self._next % len(self._work.requests)])
        self._next += 1
        self._busy[client.socket.fileno()] = client

    def _take_answers(self, seconds: float) -> bool:
        """Read what has arrived. Returns False once nothing is to be expected any more."""
        select.select([self._epoll], [], [], seconds)  # to the microsecond; epoll itself waits whole milliseconds
        events = self._epoll.poll(0)
        if not events and seconds >= _IDLE_SECONDS:
            self._failures += len(self._busy)
            return False
        for descriptor, _ in events:
            client = self._busy.get(descriptor)
            if client is None:
                self._epoll.unregister(descriptor)  # the server has closed an idle connection
                self._idle = [one for one in self._idle if one.socket.fileno() != descriptor]
            else:
                self._read(client)
        return bool(self._idle or self._busy)

    def _read(self, client: _Client) -> None:
        chunk = client.socket.recv(262_144)
        client.received += chunk
        if not chunk:
            self._failures += 1
            self._epoll.unregister(client.socket.fileno())
            del self._busy[client.socket.fileno()]
        elif (status := complete(client.received)) is not None:
            client.received.clear()
            self._latencies.append((time.monotonic() - client.asked_at) * 1000)
            self._statuses[status] += 1
            self._idle.append(self._busy.pop(client.socket.fileno()))


def complete(answer: bytearray | bytes) -> int | None:
    """Return the status of an HTTP answer that is complete by its Content-Length, else None."""
    end = answer.find(_END_OF_HEADERS)
    if end < 0:
        return None
    status = int(answer[9:12])
    length = _LENGTH.search(answer, 0, end)
    size = int(length[1]) if length and status != _WITHOUT_BODY else 0
    return status if len(answer) >= end + len(_END_OF_HEADERS) + size else None


def _connect(port: int) -> _Client:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Client(connection)


def ceiling(seconds: float = 1.0, connections: int = 32) -> float:
    """Return how many requests a second this generator sends to a server that does nothing but answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        server = multiprocessing.get_context("fork").Process(target=_answer_all, args=(listener,), daemon=True)
        server.start()
        try:
            port: int = listener.getsockname()[1]
            return run(port, [b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"], connections, seconds, cycles=True).per_second
        finally:
            server.terminate()
            server.join()


def _answer_all(listener: socket.socket) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + b"x" * 29
    poller = select.epoll()
    poller.register(listener.fileno(), select.EPOLLIN)
    reads: dict[int, Callable[[int], bytes]] = {}
    held: dict[int, socket.socket] = {}
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == listener.fileno():
                connection, _ = listener.accept()
                held[connection.fileno()], reads[connection.fileno()] = connection, connection.recv
                poller.register(connection.fileno(), select.EPOLLIN)
            elif reads[descriptor](65_536):
                held[descriptor].sendall(answer)
            else:
                poller.unregister(descriptor)
                held.pop(descriptor).close()
