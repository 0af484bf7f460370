"""Many viewers of one board: `python -m bench.live --viewers 1000 --viewers 10000`.

The board is moved in Redis as a worker would move it, about nine times a second, a frame of 1 KB each time; a process
of its own holds all the viewers. Delays run from before the move to a viewer's last byte of the frame.
"""

import argparse
import base64
import multiprocessing
import os
import resource
import secrets
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

import orjson
import psutil
from rich.console import Console
from rich.table import Table

from bench.load import percentile
from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.domain.standing import Standing, StandingKey
from common.redis_store import keys
from common.redis_store.board import Board, Projected
from common.redis_store.client import Client
from dev.harness.servers import Servers, running_servers
from dev.harness.stack import Stack, running_stack

EVERY_SECONDS = 0.11
"""The seconds between two moves: a little more than the hub's tick, so that no two moves share a frame."""

MOVED = 7
AT_ONCE = 100
_END_OF_HEADERS = b"\r\n\r\n"


class Fan(NamedTuple):
    """The result of one run. Delays are in milliseconds; `core` is the share of one core that the web process used.


    A fan-out takes at most a quarter of the time: where it takes long, moves are merged and frames are fewer.
    """

    viewers: int
    connected_per_second: float
    frames_per_second: float
    p50: float
    p99: float
    core: float
    megabytes: float


def measure(stack: Stack, viewers: int, seconds: float) -> Fan:
    """Measure one run with this number of viewers on a running product."""
    ours, theirs = multiprocessing.Pipe()
    watching = multiprocessing.get_context("fork").Process(target=_watch, args=(stack, viewers, theirs))
    watching.start()
    connected_per_second: float = ours.recv()
    web = psutil.Process(stack.processes["web"].pid).children()[0]
    before, started = sum(web.cpu_times()[:2]), time.monotonic()
    client = stack.redis()
    sent = _move(client, seconds)
    client.close()
    core = (sum(web.cpu_times()[:2]) - before) / (time.monotonic() - started)
    megabytes = web.memory_info().rss / 1e6
    ours.send(None)
    seen: Mapping[int, Sequence[float]] = ours.recv()
    watching.join()
    delays = sorted((at - sent[seq]) * 1000 for seq, times in seen.items() if seq in sent for at in times)
    frames = len(delays) / viewers / seconds
    return Fan(viewers, connected_per_second, frames, percentile(delays, 50), percentile(delays, 99), core, megabytes)


def _move(client: Client, seconds: float) -> dict[int, float]:
    """Move the head of the board again and again, and return when each seq was made."""
    board, sent = Board(client), {}
    version, due, end = time.time_ns() // 1000, time.monotonic(), time.monotonic() + seconds
    board.remember_usernames({_user(number): f"player-{number}" for number in range(MOVED)})
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        due += EVERY_SECONDS
        version += 1
        rows = [
            Standing(StandingKey(DEFAULT_BOARD, ALL_TIME, _user(number)), version % 10**9 + number, number, version, 1)
            for number in range(MOVED)
        ]
        started = time.monotonic()
        (projected,) = board.project([rows], int(time.time() * 1000), ("", ""))
        if not isinstance(projected, Projected):
            raise RuntimeError("the board is not served")  # noqa: TRY004 - the answer says so, no argument is wrong
        news = {"boards": [{"board": DEFAULT_BOARD, "period": ALL_TIME, "seq": projected.seq}], "players": [], "at": 0}
        client.publish(keys.UPDATES_CHANNEL, orjson.dumps(news))
        sent[projected.seq] = started
    time.sleep(1.0)
    return sent


def _user(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _watch(stack: Stack, viewers: int, parent: Connection) -> None:
    """Hold the viewers until the parent ends the run; then send it when each seq arrived."""
    port = int(stack.environment["SCOREBOARD_PORT"])
    started = time.monotonic()
    sockets = [one for count in _shares(viewers) for one in _connect(port, count)]
    parent.send(viewers / (time.monotonic() - started))
    selector = selectors.EpollSelector()
    for one in sockets:
        one.setblocking(False)
        selector.register(one, selectors.EVENT_READ, bytearray())
    selector.register(parent, selectors.EVENT_READ)
    seen: dict[int, list[float]] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is parent:
                parent.send(seen)
                return
            data: bytearray = key.data
            data += key.fileobj.recv(65536)  # type: ignore[union-attr]  # a socket
            for seq in _taken_frames(data):
                seen.setdefault(seq, []).append(time.monotonic())


def _shares(viewers: int) -> list[int]:
    return [AT_ONCE] * (viewers // AT_ONCE) + ([viewers % AT_ONCE] if viewers % AT_ONCE else [])


def _connect(port: int, count: int) -> list[socket.socket]:
    """Return `count` connections that have completed the handshake and read their snapshot."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    for one in sockets:
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        one.sendall(
            f"GET /ws/scoreboard?limit=10 HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
    for one in sockets:
        data = bytearray()
        while _END_OF_HEADERS not in data:
            data += one.recv(65536)
        del data[: data.index(_END_OF_HEADERS) + len(_END_OF_HEADERS)]
        while not _taken_frames(data):
            data += one.recv(65536)
    return sockets


def _taken_frames(data: bytearray) -> list[int]:
    """Remove the complete frames from the front of `data`, and return the seq of each that has one."""
    taken = []
    while len(data) >= 2:  # noqa: PLR2004 - RFC 6455, section 5.2, also below
        start, length = (4, int.from_bytes(data[2:4], "big")) if data[1] == 126 else (2, data[1])  # noqa: PLR2004
        if len(data) < start + length:
            break
        at = data.find(b'"seq":', start, start + length)
        if at >= 0:
            taken.append(int(data[at + 6 : data.index(b",", at)]))
        del data[: start + length]
    return taken


def _migrated(servers: Servers) -> str:
    """Create a database with our tables, and return its URL."""
    environment = {
        "DATABASE_URL": servers.create_database("bench_live"),
        "REDIS_URL": servers.redis_url(0),
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
    }
    subprocess.run([sys.executable, "-m", "scoreboard", "migrate"], env={**os.environ, **environment}, check=True)
    return environment["DATABASE_URL"]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.live")
    arguments.add_argument("--viewers", type=int, action="append", help="how many; may be given again")
    arguments.add_argument("--seconds", type=float, default=10.0)
    given = arguments.parse_args()
    counts: list[int] = given.viewers or [1000, 2000]
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    room = {"SCOREBOARD_LIVE_PER_IP": str(max(counts)), "SCOREBOARD_LIVE_MAX": str(max(counts))}
    table = Table("viewers", "connected/s", "frames/s each", "p50 ms", "p99 ms", "core", "RSS MB")
    with running_servers(fast=False) as servers:
        url = _migrated(servers)
        for viewers in counts:
            with running_stack(servers, url, 0, **room) as stack:
                fan = measure(stack, viewers, given.seconds)
            shown = (
                f"{fan.connected_per_second:,.0f}",
                f"{fan.frames_per_second:.1f}",
                f"{fan.p50:.1f}",
                f"{fan.p99:.1f}",
            )
            table.add_row(f"{viewers:,}", *shown, f"{fan.core:.2f}", f"{fan.megabytes:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
