"""Runs of a load on a stack: locust in a process of its own, and the account afterwards."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.core import settings as settings_module
from common.postgres import engine as database
from common.postgres import period_closing
from common.redis_store.inbox import Inbox
from common.services.rebuild import Rebuilder
from dev.harness.many import PERIODS_OF_LONG_AGO, add_many
from dev.harness.stack import ROOT, Stack
from dev.harness.waiting import wait_until
from tests.load import accounts, variables

LOADS = ("updates", "sockets", "cache", "database")
"""Each is a locust file of this folder."""

PLAYERS = 10_000
LAST_TASKS_SECONDS = 20
_APPLIED_WITHIN_SECONDS = 60.0
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Report:
    """The result of one run. Latencies are in milliseconds; `counted` is what happened, `broken` what must not."""

    load: str
    requests: int
    per_second: float
    p50: float
    p99: float
    counted: Mapping[str, int]
    broken: list[str]


@dataclass(frozen=True)
class Size:
    """How large a run is: users, the seconds after which it ends, and what it ends with if it is counted earlier."""

    users: int
    seconds: int
    until: Mapping[str, int] = field(default_factory=dict)
    players: int = PLAYERS
    """On the board that `database` reads; they are put there once for a stack."""


def run(load: str, stack: Stack, size: Size) -> Report:
    """Run a load, and hold what its users were told to account."""
    settings = settings_module.load(stack.environment)
    engine = database.create(settings, pool_size=2, statement_timeout_ms=30_000)
    with closing(stack.redis()) as client, _disposed(engine):
        if load == "database":
            fill(stack, size.players)
            with _rebuilding(Rebuilder(client, engine)) as rebuilt:
                told = _locust(load, stack, size)
            told["counted"]["rebuilds"] = sum(rebuilt)
        else:
            told = _locust(load, stack, size)
        inbox = Inbox.of(client, settings)
        wait_until(lambda: inbox.depth() == 0, _APPLIED_WITHIN_SECONDS)
        told["broken"] += accounts.balance(engine, client, told.pop("updates"))
    return Report(load, **told)


def fill(stack: Stack, players: int) -> None:
    """Put so many players on the boards of all time and of three old periods, as the owner of the tables."""
    environment = dict(stack.environment)
    owner = environment.get("SCOREBOARD_MIGRATE_DATABASE_URL") or environment["DATABASE_URL"]
    settings = settings_module.load({**environment, "DATABASE_URL": owner})
    engine = database.create(settings, pool_size=1, statement_timeout_ms=60_000)
    with _disposed(engine):
        add_many(engine, players)
        with engine.begin() as connection:
            period_closing.list_open(connection, [(DEFAULT_BOARD, period) for period in PERIODS_OF_LONG_AGO[1:]])


@contextmanager
def _disposed(engine: Engine) -> Iterator[None]:
    try:
        yield
    finally:
        engine.dispose()


@contextmanager
def _rebuilding(rebuilder: Rebuilder) -> Iterator[list[bool]]:
    """Fill the board again and again, and yield a list that has an item for each time: whether it was done here."""
    done = threading.Event()
    rebuilt = [rebuilder.rebuild(DEFAULT_BOARD, ALL_TIME)]

    def rebuild() -> None:
        while not done.wait(_PAUSE_SECONDS):
            rebuilt.append(rebuilder.rebuild(DEFAULT_BOARD, ALL_TIME))

    thread = threading.Thread(target=rebuild)
    thread.start()
    try:
        yield rebuilt
    finally:
        done.set()
        thread.join()


def _locust(load: str, stack: Stack, size: Size) -> dict[str, Any]:
    """Run the locust file and return what its users were told. It ends with code 1 if they were told anything wrong."""
    file = stack.folder / f"told-{load}.json"
    file.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "locust", "--headless", "--locustfile", f"tests/load/{load}.py"),
        *("--users", str(size.users), "--spawn-rate", str(size.users), "--run-time", f"{size.seconds}s"),
        *("--stop-timeout", str(LAST_TASKS_SECONDS), "--host", stack.url, "--only-summary", "--loglevel", "WARNING"),
    ]
    environment = {
        **os.environ,
        variables.HANDED_OVER_IN: str(file),
        variables.PLAYERS: str(size.players),
        variables.UNTIL: json.dumps(dict(size.until)),
    }
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if not file.exists():
        raise AssertionError(f"locust ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    told: dict[str, Any] = json.loads(Path(file).read_text())
    return told
