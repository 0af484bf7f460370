"""`make scale`: rebuild boards of many players, and measure for how long one call occupies Redis meanwhile.

Each way of filling is a process of its own. This one watches Redis from a second connection: by its slow log, which
times each call within the server, and by how long a PING waits. A second Valkey, which has nothing to do, is watched in
the same way: what it takes longer for is the machine's doing. Then the board is read, as the web reads it: from Redis,
and from PostgreSQL once Redis has been emptied.
"""

import argparse
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis
from rich.console import Console
from rich.table import Table

from bench.own_database import engine_of, environment_of
from common.contract.errors import ScoreboardError
from common.core import settings as settings_module
from common.core.settings import Settings
from common.domain import pagination
from common.domain.shown import Gate
from common.domain.stand_ins import StandIns
from common.postgres import catalogue
from common.postgres import engine as database
from common.redis_store.board import Board
from common.redis_store.client import Client
from common.redis_store.keys import BoardKeys
from common.services.leaderboard import Leaderboard
from dev.harness.many import add_many, id_of
from dev.harness.servers import Servers, running_servers, temporary_root
from dev.servers.valkey import Valkey

BOARD = BoardKeys("main", "all")
PING_EVERY_SECONDS = 0.005
LOGGED_FROM_MICROSECONDS = 1_000
PROMISED_MILLISECONDS = 20.0
LONGEST_SHOWN = 100
SLOWLOG_LENGTH = 10_000
PATIENCE_SECONDS = 60
"""With a Redis that does not answer: how long it takes is what is measured."""

WEB_TIMEOUT_MS = 1_500
"""For one statement, as in the web."""

_AS_WORKERS_DO = """
from common.core import priority
from workers import maintenance
from workers.state import state
priority.give_way()
maintenance.repair(state())
maintenance.rebuild_boards(state())
"""
_COMMAND = [sys.executable, "-m", "scoreboard"]


@dataclass
class Watched:
    """The result of a rebuild: seconds in all, and in milliseconds the longest call and the longest waits of a PING.

    `idle_ping` is the longest wait of the server that has nothing to do.
    """

    seconds: float = 0.0
    longest_call: float = 0.0
    longest_ping: float = 0.0
    idle_ping: float = 0.0
    over: list[tuple[float, str]] = field(default_factory=list)
    """The calls that took longer than is promised, and what they began with."""


@dataclass
class Way:
    """How a board is lost, and by which command it is filled again. `key` chooses it on the command line."""

    key: str
    name: str
    lose: Callable[["Place"], None]
    command: list[str]


@dataclass
class Place:
    """Servers with a database of many players."""

    servers: Servers
    settings: Settings
    environment: Mapping[str, str]
    client: Client
    idle: Client


def _flush(at: Place) -> None:
    at.servers.flush_redis()


def _restart(at: Place) -> None:
    at.servers.valkey.stop()
    at.servers.valkey.start()


def _nothing(_: Place) -> None:
    return


def _lose_scores(at: Place) -> None:
    at.servers.prove_own()
    at.client.unlink(BOARD.scores)


WAYS = (
    Way("flush", "FLUSHALL, then the worker", _flush, [sys.executable, "-c", _AS_WORKERS_DO]),
    Way("restart", "restart of Redis, then the worker", _restart, [sys.executable, "-c", _AS_WORKERS_DO]),
    Way("rebuild", "scoreboard rebuild", _nothing, [*_COMMAND, "rebuild", "--board", "main", "--period", "all"]),
    Way("verify", "scoreboard verify --repair", _lose_scores, [*_COMMAND, "verify", "--repair", "--patience", "0"]),
)


def watch(at: Place, command: list[str]) -> Watched:
    """Run a command to its end, and measure Redis meanwhile."""
    at.client.config_set("slowlog-log-slower-than", LOGGED_FROM_MICROSECONDS)
    at.client.config_set("slowlog-max-len", SLOWLOG_LENGTH)
    at.client.slowlog_reset()
    has_ended = threading.Event()
    with ThreadPoolExecutor() as threads:
        pings = [threads.submit(_longest_ping, client, has_ended) for client in (at.client, at.idle)]
        started = time.monotonic()
        try:
            done = subprocess.run(command, env=at.environment, capture_output=True, check=False)
        finally:
            has_ended.set()
        seconds = time.monotonic() - started
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    rows = at.client.slowlog_get(SLOWLOG_LENGTH)
    calls = sorted((row["duration"] / 1000, str(row["command"])[:LONGEST_SHOWN]) for row in rows)
    return Watched(
        seconds,
        longest_call=calls[-1][0] if calls else LOGGED_FROM_MICROSECONDS / 1000,
        longest_ping=pings[0].result(),
        idle_ping=pings[1].result(),
        over=[(call, command) for call, command in calls if call > PROMISED_MILLISECONDS],
    )


def _longest_ping(client: Client, has_ended: threading.Event) -> float:
    """Send one PING after the other until the end, and return the milliseconds of the longest."""
    longest = 0.0
    while not has_ended.wait(PING_EVERY_SECONDS):
        asked = time.monotonic()
        client.ping()
        longest = max(longest, 1000 * (time.monotonic() - asked))
    return longest


@contextmanager
def _place(players: int, console: Console) -> Iterator[Place]:
    with running_servers(fast=False) as servers:
        environment = environment_of(servers)
        engine = engine_of(environment)
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
        with console.status(f"{players:,} players come"):
            add_many(engine, players)
        engine.dispose()
        with _idle_server() as idle:
            client = _patient(servers.redis_url())
            yield Place(servers, settings_module.load(environment), environment, client, idle)
            client.close()


@contextmanager
def _idle_server() -> Iterator[Client]:
    """Run a Valkey that has nothing to do."""
    root = temporary_root()
    server = Valkey(root, fast=True)
    try:
        server.start()
        client = _patient(server.url)
        yield client
        client.close()
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


def _patient(url: str) -> Client:
    return redis.Redis.from_url(url, decode_responses=True, socket_timeout=PATIENCE_SECONDS)


def reads(at: Place, players: int) -> Iterator[tuple[str, str, list[float], int]]:
    """Read the board, and yield what was read, from where, the milliseconds of each read, and how many were refused."""
    engine = database.create(at.settings, pool_size=1, statement_timeout_ms=WEB_TIMEOUT_MS, in_parallel=True)
    leaderboard = Leaderboard(Board(at.client), engine, Gate(StandIns([b"-" * 32])))
    middle = id_of(players // 2)
    kinds: dict[str, Callable[[], object]] = {
        "the first ten": lambda: leaderboard.top("main", "all", 10),
        "ten around a player": lambda: leaderboard.page("main", "all", 10, pagination.around(middle)),
        "a player's place": lambda: leaderboard.place("main", "all", middle),
    }
    for source, times in (("Redis", 500), ("PostgreSQL", 10)):
        for kind, read in kinds.items():
            yield (kind, source, *_timed(read, times))
        _flush(at)
    engine.dispose()


def _timed(read: Callable[[], object], times: int) -> tuple[list[float], int]:
    taken, refused = [], 0
    for _ in range(times):
        started = time.monotonic()
        try:
            read()
        except ScoreboardError:
            refused += 1
        taken.append(1000 * (time.monotonic() - started))
    return sorted(taken), refused


def _ways(keys: Sequence[str]) -> list[Way]:
    return [way for way in WAYS if way.key in keys]


def _figures(found: Watched) -> list[str]:
    waits = [found.longest_ping, found.idle_ping]
    return [f"{found.seconds:.1f}", f"{found.longest_call:.1f}", f"{len(found.over)}", *(f"{ms:.1f}" for ms in waits)]


def main() -> None:
    """Print a row for each number of players and each way, and one for each kind of read."""
    parser = argparse.ArgumentParser(prog="make scale", description=__doc__)
    parser.add_argument("--players", type=int, nargs="+", default=[10_000, 200_000, 1_000_000])
    keys = [way.key for way in WAYS]
    parser.add_argument("--ways", nargs="+", choices=keys, default=keys, help="How the board is filled again.")
    options = parser.parse_args()
    console = Console()
    read = Table("players", "read", "from", "median, ms", "longest, ms", "refused")
    table = Table("players", "filled again by", "seconds", "longest call, ms", "calls over 20 ms")
    table.add_column("longest PING, ms")
    table.add_column("of an idle server, ms")
    for players in options.players:
        with _place(players, console) as at:
            for way in _ways(options.ways):
                with console.status(f"{players:,} players: {way.name}"):
                    way.lose(at)
                    found = watch(at, way.command)
                if at.client.zcard(BOARD.scores) != players:
                    raise SystemExit(f"{way.name}: the board is not whole")
                table.add_row(f"{players:,}", way.name, *_figures(found))
                console.print(f"{players:,} players, {way.name}: {found}")
            for kind, source, taken, refused in reads(at, players):
                figures = f"{taken[len(taken) // 2]:.1f}", f"{taken[-1]:.1f}", f"{refused}"
                read.add_row(f"{players:,}", kind, source, *figures)
    console.print(table)
    console.print(read)


if __name__ == "__main__":
    main()
