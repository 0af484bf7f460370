"""The worker alone: a full inbox, and the time until it is empty.

Nothing but Celery's worker runs beside the servers. Every update is of another player than the one before it, a
thousand in turn, so that a batch of 500 moves 500 players in each of the four periods.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import psutil
from sqlalchemy import Engine, text

from bench import bare_sql, cpu
from bench.rows import Round
from common.core import settings as settings_module
from common.core.timestamps import format_instant
from common.domain.inbox_entries import Update
from common.postgres import catalogue
from common.postgres import engine as database
from common.redis_store.inbox import Inbox
from dev.harness.many import add_many, id_of
from dev.harness.servers import Servers, running_servers
from dev.harness.stack import Stack, running_stack
from dev.harness.waiting import wait_until
from web.intake.doorbell import Doorbell

PLAYERS = 1_000
UPDATES = 10_000
BATCH = 500
"""As many entries as the worker reads at a time."""

_AT_ONCE = 1_000
_WITHIN_SECONDS = 120.0


@dataclass(frozen=True)
class WorkerPlace:
    """Servers, and a product of which only a worker is started when it is measured."""

    servers: Servers
    stack: Stack
    engine: Engine
    inbox: Inbox

    def bare_sql(self) -> Round:
        """Measure the same batches as prepared statements."""
        kinds = {"worker": psutil.Process(), **self._of_servers()}
        users = [id_of(number + 1) for number in range(PLAYERS)]
        with closing(bare_sql.connect(self.stack.environment["DATABASE_URL"])) as connected:
            bare_sql.run(connected, users, _AT_ONCE, BATCH, self.inbox.now())
            before = cpu.read(kinds)
            seconds = bare_sql.run(connected, users, UPDATES, BATCH, self.inbox.now())
            used = cpu.between(before, cpu.read(kinds))
        return Round(per_second=UPDATES / seconds, cpu=cpu.per_request(used, UPDATES), generator="psycopg2")

    def worker(self, processes: int) -> Round:
        """Measure a worker with so many processes."""
        stack = replace(
            self.stack,
            environment={**self.stack.environment, "SCOREBOARD_WORKER_PROCESSES": str(processes)},
            processes={},
        )
        stack.start("worker")
        try:
            self._drain(_AT_ONCE, processes)  # connections are made and statements are known from here on
            counted = self._counted()
            kinds = {"worker": psutil.Process(stack.processes["worker"].pid), **self._of_servers()}
            with _suspended(stack.processes["worker"].pid):
                self._fill(UPDATES)
                self._ring(processes)
                waiting = self.inbox.depth()
                before, started = cpu.read(kinds), time.monotonic()
            wait_until(lambda: self.inbox.depth() == 0, _WITHIN_SECONDS)
            seconds = time.monotonic() - started
            used = cpu.between(before, cpu.read(kinds))
            missing = UPDATES - (self._counted() - counted)
        finally:
            stack.stop("worker")
        return Round(
            per_second=UPDATES / seconds,
            cpu=cpu.per_request(used, UPDATES),
            generator="inbox",
            problem=_problem_of(waiting, missing),
        )

    def _drain(self, count: int, processes: int) -> None:
        self._fill(count)
        self._ring(processes)
        wait_until(lambda: self.inbox.depth() == 0, _WITHIN_SECONDS)

    def _fill(self, count: int) -> None:
        run, now = secrets.token_hex(8), format_instant(self.inbox.now())
        for first in range(0, count, _AT_ONCE):
            updates = [
                Update(id_of(n % PLAYERS + 1), "share", f"{run}-{n}", now, f"bench-{n}", None, "player")
                for n in range(first, min(first + _AT_ONCE, count))
            ]
            self.inbox.accept_all(updates)

    def _ring(self, processes: int) -> None:
        """Send a doorbell for each process, as web processes do while updates keep coming."""
        doorbell = Doorbell(settings_module.load(self.stack.environment).celery_broker_url)
        for _ in range(processes):
            doorbell.ring()

    def _counted(self) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM score_events")).scalar_one())

    def _of_servers(self) -> Mapping[str, psutil.Process]:
        servers = self.servers
        return {"postgres": psutil.Process(servers.postgres.pid), "redis": psutil.Process(servers.valkey.pid)}


@contextmanager
def _suspended(pid: int) -> Iterator[None]:
    """Let a program and its children stand still: a drain that stays for more would begin with the first entries."""
    program = psutil.Process(pid)
    everybody = [program, *program.children(recursive=True)]
    for process in everybody:
        process.suspend()
    try:
        yield
    finally:
        for process in everybody:
            process.resume()


def _problem_of(waiting: int, missing: int) -> str:
    if waiting != UPDATES:
        return f"{UPDATES - waiting} updates were taken before the clock ran"
    return f"{missing} updates are missing in the ledger" if missing else ""


@contextmanager
def running_worker_place() -> Iterator[WorkerPlace]:
    """Run servers with players, and no program of the product yet, until the block ends."""
    with running_servers(fast=False) as servers:
        url = servers.migrated_database()
        with running_stack(servers, url, 0) as stack:
            settings = settings_module.load(stack.environment)
            engine = database.create(settings, pool_size=1, statement_timeout_ms=60_000)
            with engine.begin() as connection:
                catalogue.load_defaults(connection)
            for name in tuple(stack.processes):
                stack.stop(name)
            add_many(engine, PLAYERS)
            client = stack.redis()
            yield WorkerPlace(servers, stack, engine, Inbox.of(client, settings))
            client.close()
            engine.dispose()
