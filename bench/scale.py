"""`make scale`: boards of many players are filled again, and for how long Redis does nothing else meanwhile.

Each way of filling is a process of its own. This one watches Redis from a second connection: by its slow log, which
times each call within the server, and by how long a PING waits.
"""

import argparse
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from common.core import settings as settings_module
from common.core.settings import Settings
from common.postgres import catalogue
from common.postgres import engine as database
from common.redis_store import client as redis_client
from common.redis_store.client import Client
from common.redis_store.keys import BoardKeys
from dev.harness.many import add_many
from dev.harness.servers import Servers, running_servers

BOARD = BoardKeys("main", "all")
PING_EVERY_SECONDS = 0.001
LOGGED_FROM_MICROSECONDS = 1_000
PROMISED_MILLISECONDS = 20.0

_AS_WORKERS_DO = """
from workers import maintenance
from workers.state import state
maintenance.repair(state())
maintenance.rebuild_boards(state())
"""
_COMMAND = [sys.executable, "-m", "scoreboard"]


@dataclass
class Watched:
    """What a filling took: seconds in all, and in milliseconds the longest call and the longest wait of a PING."""

    seconds: float = 0.0
    longest_call: float = 0.0
    longest_ping: float = 0.0
    calls_over: int = 0


@dataclass
class Way:
    """How a board is lost, and by which command it is filled again."""

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
    Way("FLUSHALL, then the worker", _flush, [sys.executable, "-c", _AS_WORKERS_DO]),
    Way("restart of Redis, then the worker", _restart, [sys.executable, "-c", _AS_WORKERS_DO]),
    Way("scoreboard rebuild", _nothing, [*_COMMAND, "rebuild", "--board", "main", "--period", "all"]),
    Way("scoreboard verify --repair", _lose_scores, [*_COMMAND, "verify", "--repair", "--patience", "0"]),
)


def watch(at: Place, command: list[str]) -> Watched:
    """Run a command to its end, and look at Redis meanwhile."""
    at.client.config_set("slowlog-log-slower-than", LOGGED_FROM_MICROSECONDS)
    at.client.config_set("slowlog-max-len", 10_000)
    at.client.slowlog_reset()
    found = Watched()
    started = time.monotonic()
    with subprocess.Popen(command, env=at.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            asked = time.monotonic()
            at.client.ping()
            found.longest_ping = max(found.longest_ping, 1000 * (time.monotonic() - asked))
            time.sleep(PING_EVERY_SECONDS)
        found.seconds = time.monotonic() - started
        if process.returncode:
            raise SystemExit((process.stderr.read() if process.stderr else b"").decode())
    calls = [row["duration"] / 1000 for row in at.client.slowlog_get(10_000)]
    found.longest_call = max(calls, default=LOGGED_FROM_MICROSECONDS / 1000)
    found.calls_over = sum(call > PROMISED_MILLISECONDS for call in calls)
    return found


@contextmanager
def _place(players: int, console: Console) -> Iterator[Place]:
    with running_servers(fast=False) as servers:
        environment = {
            "PATH": "/usr/bin:/bin",
            "DATABASE_URL": servers.migrated_database(),
            "REDIS_URL": servers.redis_url(),
            "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
            "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
        }
        settings = settings_module.load(environment)
        engine = database.create(settings, pool_size=1, statement_timeout_ms=3_600_000)
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
        with console.status(f"{players:,} players come"):
            add_many(engine, players)
        engine.dispose()
        client = redis_client.connect(settings.redis_url)
        yield Place(servers, settings, environment, client)
        client.close()


def main() -> None:
    """Print a row for each number of players and each way."""
    parser = argparse.ArgumentParser(prog="make scale", description=__doc__)
    parser.add_argument("--players", type=int, nargs="+", default=[10_000, 200_000, 1_000_000])
    options = parser.parse_args()
    console = Console()
    table = Table("players", "filled again by", "seconds", "longest call, ms", "calls over 20 ms", "longest PING, ms")
    for players in options.players:
        with _place(players, console) as at:
            for way in WAYS:
                with console.status(f"{players:,} players: {way.name}"):
                    way.lose(at)
                    found = watch(at, way.command)
                if at.client.zcard(BOARD.scores) != players:
                    raise SystemExit(f"{way.name}: the board is not whole")
                figures = f"{found.seconds:.1f}", f"{found.longest_call:.1f}", f"{found.calls_over}"
                table.add_row(f"{players:,}", way.name, *figures, f"{found.longest_ping:.1f}")
                console.print(f"{players:,} players, {way.name}: {found}")
    console.print(table)


if __name__ == "__main__":
    main()
