"""Closed-loop HTTP clients that cost little: prepared requests on kept connections, in processes of their own."""

import multiprocessing
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

PROCESSES = 2
_END_OF_HEADERS = b"\r\n\r\n"


Answer = tuple[float, int]
"""The duration (ms) and the status of an answer."""


class Result(NamedTuple):
    """The result of a load. Latencies are in milliseconds."""

    per_second: float
    p50: float
    p99: float
    statuses: Mapping[int, int]


def run(port: int, requests: Sequence[bytes], connections: int) -> Result:
    """Send every request once, over `connections` connections, each waiting for its answer before it goes on."""
    shares = [requests[n::PROCESSES] for n in range(PROCESSES)]
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        started = time.monotonic()
        parts = pool.starmap(_drive, [(port, share, connections // PROCESSES) for share in shares])
        return summarize([answer for part in parts for answer in part], time.monotonic() - started)


def run_alone(port: int, requests: Sequence[bytes]) -> Result:
    """Send every request once, one after the other, over one connection."""
    answers: list[Answer] = []
    started = time.monotonic()
    _talk(port, requests, answers)
    return summarize(answers, time.monotonic() - started)


@contextmanager
def meanwhile(port: int, requests: Sequence[bytes], connections: int) -> Iterator[None]:
    """Send requests from a process of its own until the block ends."""
    flood = multiprocessing.get_context("fork").Process(target=_drive, args=(port, requests, connections))
    flood.start()
    try:
        yield
    finally:
        flood.terminate()
        flood.join()


def summarize(answers: Sequence[Answer], seconds: float) -> Result:
    taken = sorted(latency for latency, _ in answers)
    statuses = Counter(status for _, status in answers)
    return Result(len(taken) / seconds, percentile(taken, 50), percentile(taken, 99), statuses)


def percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _drive(port: int, requests: Sequence[bytes], connections: int) -> list[Answer]:
    done: list[Answer] = []
    threads = [threading.Thread(target=_talk, args=(port, requests[n::connections], done)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def _talk(port: int, requests: Sequence[bytes], done: list[Answer]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            started = time.monotonic()
            connection.sendall(request)
            status = _read_answer(connection)
            done.append(((time.monotonic() - started) * 1000, status))


def _read_answer(connection: socket.socket) -> int:
    """Read one answer to its end by its Content-Length, and return its status."""
    data = b""
    while _END_OF_HEADERS not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(_END_OF_HEADERS)
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    missing = int(fields[b"content-length"]) - len(body)
    while missing > 0:
        missing -= len(connection.recv(65536))
    return int(head.split(b" ", 2)[1])
