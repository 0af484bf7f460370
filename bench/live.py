"""Many viewers, measured beside a fan-out on Node's `ws`: `make bench-live`, or `python -m bench.live --short`.

The board is moved in Redis as a worker would move it, about nine times a second, a frame of 1 KB each time; a process
of its own holds all the viewers and checks every frame. Delays run from before the move to a viewer's last byte of
the frame. `ws` gets frames of the same size, ready-made, and so does less: it reads no board and merges nothing.
"""

import argparse
import json
import logging
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Protocol

import orjson
import psutil
import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from bench.load import percentile
from bench.viewers import Viewers, Watched
from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.core.settings import load
from common.domain.details import Details, KnownDetails
from common.domain.standing import Standing, StandingKey
from common.postgres.engine import create as create_database_engine
from common.postgres.tables import boards
from common.redis_store import keys
from common.redis_store.board import Board, Projected
from common.services.rebuild import Rebuilder
from dev.harness.servers import Servers, running_servers
from dev.harness.stack import Stack, running_stack

EVERY_SECONDS = 0.11
"""The seconds between two moves: a little more than the hub's tick, so that no two moves share a frame."""

MOVED = 7
FRAME_BYTES = 1024
BOARDS, LIMITS, ZIPF_VIEWERS = 100, (5, 10, 20), 1000
GOOD = Watched(1000)
BAD = (Watched(100, "?limit=100", "nothing"), Watched(50, "?limit=100", "slowly"))

SIDES = {"good alone": [GOOD], "beside slow": [GOOD, *BAD]}
ROUNDS = 3

_HERE = Path(__file__).parent
_RESULTS = _HERE / "results" / "live.json"

Move = Callable[[int], int]
"""Move the board for the n-th time, and return the seq of the frame that viewers are sent."""


@dataclass(frozen=True)
class Fan:
    """The result of one run. Delays are in milliseconds; `core` is the share of one core that the server used.

    `connects_per_core` is the number of connects in a second of the server's own processor time. `delivered` is the
    share of frames that came, of those that every viewer was to get; `broken` counts deltas that did not follow on the
    frame before. The memory is that of the server at the end, and what it grew by since the start.
    """

    server: str
    viewers: int
    connected_per_second: float
    connects_per_core: float
    delivered: float
    broken: int
    ended: int
    p50: float
    p99: float
    core: float
    megabytes: float
    grown_megabytes: float


class Target(Protocol):
    """A server that is measured."""

    port: int
    process: psutil.Process


def measure(server: str, target: Target, watched: Sequence[Watched], move: Move, seconds: float) -> Fan:
    """Measure one run. Only the viewers that read all they get count as viewers."""
    process = target.process
    before = process.memory_info().rss
    idle = sum(process.cpu_times()[:2])
    viewers = Viewers.start(target.port, watched)
    used, started = sum(process.cpu_times()[:2]), time.monotonic()
    sent: dict[int, float] = {}
    due, number = started, 0
    while due < started + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        due += EVERY_SECONDS
        number += 1
        at = time.monotonic()
        sent[move(number)] = at
    core = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - started)
    time.sleep(1.5)
    after = process.memory_info().rss
    seen = viewers.finish()
    delays = sorted((at - sent[seq]) * 1000 for seq, times in seen.arrived.items() if seq in sent for at in times)
    count = sum(one.viewers for one in watched if one.reads == "all")
    return Fan(
        server=server,
        viewers=count,
        connected_per_second=round(viewers.connected_per_second),
        connects_per_core=round(sum(one.viewers for one in watched) / max(0.01, used - idle)),
        delivered=round(len(delays) / (count * len(sent)), 4),
        broken=seen.broken,
        ended=seen.ended,
        p50=round(percentile(delays, 50), 1),
        p99=round(percentile(delays, 99), 1),
        core=round(core, 3),
        megabytes=round(after / 1e6, 1),
        grown_megabytes=round((after - before) / 1e6, 1),
    )


class Hub:
    """The product: a web process, and boards that are moved in its Redis."""

    def __init__(self, stack: Stack) -> None:
        self.port = int(stack.environment["SCOREBOARD_PORT"])
        self.process = psutil.Process(stack.processes["web"].pid).children()[0]
        self._client = stack.redis()
        self._board = Board(self._client)
        self._version = time.time_ns() // 1000
        self._board.remember_details(
            {_user(number): KnownDetails(Details(f"player-{number}")) for number in range(MOVED)}
        )

    def move(self, _number: int, board_id: str = DEFAULT_BOARD) -> int:
        """Move the head of a board, as a worker does."""
        self._version += 1
        version = self._version
        rows = [
            Standing(StandingKey(board_id, ALL_TIME, _user(number)), version % 10**9 + number, number, version, 1)
            for number in range(MOVED)
        ]
        (projected,) = self._board.project([rows], int(time.time() * 1000), ())
        if not isinstance(projected, Projected):
            raise RuntimeError(f"{board_id} is not served")  # noqa: TRY004 - the answer says so, no argument is wrong
        news = {"boards": [{"board": board_id, "period": ALL_TIME, "seq": projected.seq}], "players": [], "at": 0}
        self._client.publish(keys.UPDATES_CHANNEL, orjson.dumps(news))
        return projected.seq


class Ws:
    """The fan-out on Node's `ws`."""

    def __init__(self) -> None:
        self._node = subprocess.Popen(
            [shutil.which("node") or "node", "server.js"],
            cwd=_HERE / "ws",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.process = psutil.Process(self._node.pid)
        if self._node.stdout is None or self._node.stdin is None:
            raise RuntimeError("no pipes")
        self.port = int(self._node.stdout.readline())
        self._input = self._node.stdin
        self._write("S", "snapshot", 0)

    def move(self, number: int) -> int:
        """Send a frame of the size of the hub's to all viewers."""
        self._write("D", "delta", number)
        self._write("S", "snapshot", number)
        return number

    def close(self) -> None:
        """End the server."""
        self._node.kill()  # it would first send all that it has queued
        self._node.wait(10)
        self._input.close()

    def _write(self, what: str, kind: str, seq: int) -> None:
        message = {"type": kind, "epoch": "e", "from": seq - 1, "seq": seq, "entries": ""}
        message["entries"] = "x" * (FRAME_BYTES - len(json.dumps(message)))
        self._input.write(what.encode() + orjson.dumps(message) + b"\n")
        self._input.flush()


def _user(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


@contextmanager
def _hub(servers: Servers, url: str) -> Iterator[Hub]:
    room = {
        "SCOREBOARD_LIVE_PER_IP": "20000",
        "SCOREBOARD_LIVE_MAX": "20000",
        "SCOREBOARD_HANDSHAKE_LIMIT": "9999999/minute",
    }
    with running_stack(servers, url, 0, **room) as stack:
        yield Hub(stack)


def crowds(servers: Servers, url: str, counts: Sequence[int], seconds: float) -> Iterator[Fan]:
    """Measure the hub and, where Node is, `ws`, with each number of viewers."""
    for count in counts:
        with _hub(servers, url) as hub:
            yield measure("hub", hub, [Watched(count)], hub.move, seconds)
        if shutil.which("node") and (_HERE / "ws" / "node_modules").is_dir():
            ws = Ws()
            yield measure("ws", ws, [Watched(count)], ws.move, seconds)
            ws.close()


def slow_readers(servers: Servers, url: str, seconds: float) -> Iterator[Fan]:
    """Measure good viewers alone, and beside some that read nothing or very little, in turn, on one and the same hub.

    A run has about ninety frames, so its p99 is that of the slowest one, and the delays of a single run say little.
    """
    with _hub(servers, url) as hub:
        rounds = [
            [measure(name, hub, watched, hub.move, seconds) for name, watched in SIDES.items()] for _ in range(ROUNDS)
        ]
    yield from map(median_of, zip(*rounds, strict=True))


def median_of(fans: Sequence[Fan]) -> Fan:
    """Return the medians of some runs; of faults and of memory the worst."""
    medians = ("p50", "p99", "core", "connects_per_core")
    worst = ("broken", "ended", "megabytes", "grown_megabytes")
    return replace(
        fans[0],
        **{name: median(getattr(fan, name) for fan in fans) for name in medians},
        **{name: max(getattr(fan, name) for fan in fans) for name in worst},
        delivered=min(fan.delivered for fan in fans),
    )


def many_boards(servers: Servers, url: str, seconds: float) -> Iterator[Fan]:
    """Measure viewers of many boards, the n-th of which has 1/n of the first one's viewers; one board moves at a time.

    First only one board is watched, by as many viewers. Delivery and delays of many boards are zero, not measured:
    the seqs of two boards cannot be told apart. Processor time, memory and broken chains are what this is about.
    """
    names = _made_boards(servers, url)
    weights = [1 / rank for rank in range(1, BOARDS + 1)]
    share = [max(1, round(ZIPF_VIEWERS * weight / sum(weights) / len(LIMITS))) for weight in weights]
    watched = [
        Watched(viewers, f"?board={name}&limit={limit}")
        for name, viewers in zip(names, share, strict=True)
        for limit in LIMITS
    ]
    for label, wanted in (("1 board", [Watched(sum(one.viewers for one in watched))]), ("100 boards", watched)):
        with _hub(servers, url) as hub:
            moved = [DEFAULT_BOARD] if label == "1 board" else names
            fan = measure(label, hub, wanted, _turns(hub, moved), seconds)
            yield fan if len(moved) == 1 else replace(fan, delivered=0.0, p50=0.0, p99=0.0)


def _turns(hub: Hub, names: Sequence[str]) -> Move:
    return lambda number: hub.move(number, names[number % len(names)])


def _made_boards(servers: Servers, url: str) -> list[str]:
    names = [f"crowd-{number}" for number in range(BOARDS)]
    with running_stack(servers, url, 0) as stack:
        engine = create_database_engine(load(stack.environment), pool_size=2, statement_timeout_ms=10_000)
        with engine.begin() as connection:
            connection.execute(insert(boards), [{"id": name} for name in names])
        rebuilder = Rebuilder(stack.redis(), engine)
        for name in names:
            rebuilder.ensure_served(name, ALL_TIME)
        engine.dispose()
    return names


def _show(fans: Sequence[Fan]) -> None:
    table = Table(
        "server",
        "viewers",
        "connects/s",
        "per core",
        "delivered",
        "broken",
        "p50 ms",
        "p99 ms",
        "core",
        "MB",
        "grown MB",
    )
    for fan in fans:
        table.add_row(
            fan.server, f"{fan.viewers:,}", f"{fan.connected_per_second:,.0f}", f"{fan.connects_per_core:,.0f}",
            f"{fan.delivered:.2%}", str(fan.broken),
            f"{fan.p50:.1f}", f"{fan.p99:.1f}", f"{fan.core:.2f}", f"{fan.megabytes:.0f}", f"{fan.grown_megabytes:.0f}",
        )  # fmt: skip
    Console(width=120).print(table)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.live")
    arguments.add_argument("--viewers", type=int, action="append", help="how many; may be given again")
    arguments.add_argument("--seconds", type=float, default=10.0, help="how long a run lasts")
    arguments.add_argument("--short", action="store_true", help="1,000 viewers for three seconds, and nothing else")
    arguments.add_argument("--only", choices=["crowds", "slow", "boards"], help="one of the three parts")
    given = arguments.parse_args()
    counts: list[int] = given.viewers or ([1000] if given.short else [1000, 5000, 10_000])
    seconds = 3.0 if given.short else given.seconds
    only = given.only or ("crowds" if given.short else None)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # of a hundred rebuilds
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    fans: list[Fan] = []
    with running_servers(fast=False) as servers:
        url = servers.migrated_database()
        if only in (None, "crowds"):
            fans += crowds(servers, url, counts, seconds)
        if only in (None, "slow"):
            fans += slow_readers(servers, url, seconds)
        if only in (None, "boards"):
            fans += many_boards(servers, url, seconds)
    _show(fans)
    _RESULTS.parent.mkdir(exist_ok=True)
    _RESULTS.write_text(json.dumps([asdict(fan) for fan in fans], indent=1) + "\n")


if __name__ == "__main__":
    main()
