"""`python -m bench.corrections`: for how long batches wait while the updates of players with many are voided.

SQL creates the ledger: one player with as many rows as a correction beside the service may have, spread over two
years, and many players with some rows each. Meanwhile another connection takes the ledger's lock as each batch does,
again and again, and the longest time that it waited is what batches would have waited.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from bench import settled
from bench.own_database import engine_of, environment_of
from common.core import settings as settings_module
from common.domain.corrections import Span, Told
from common.postgres import catalogue, ledger
from common.postgres.audit import Actor
from common.postgres.voids import MOST_EVENTS
from common.redis_store import client as redis_client
from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services.corrections import Corrector
from dev.harness.many import id_of
from dev.harness.servers import Servers, running_servers

PLAYERS = 2_001
EVENTS_OF_OTHERS = 50
"""The first player has `MOST_EVENTS`."""

DAYS = 700

_USERS = text("""
INSERT INTO users (id, username, username_key, password_hash, role)
SELECT md5('many' || n)::uuid, 'many-' || n, 'many-' || n, '-', 'player' FROM generate_series(1, :players) n
""")
_LEDGER = text("""
INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, score_after,
                          occurred_at, accepted_at, recorded_at)
SELECT nextval('score_event_ids'), md5('many' || p)::uuid, e::text, 'share', 1, 1, 0, at, at, at
FROM generate_series(1, :players) p
CROSS JOIN LATERAL generate_series(1, CASE WHEN p = 1 THEN :most ELSE :others END) e
CROSS JOIN LATERAL (SELECT now() - e * :days / (CASE WHEN p = 1 THEN :most ELSE :others END) * interval '1 day' AS at) t
""")
_STANDINGS = text("""
INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
SELECT board_id, period_id, user_id, score, tie, 1, updated_at FROM ledger_totals
""")
_ANY_EVENT = text("SELECT id FROM score_events WHERE user_id = CAST(:user AS uuid) ORDER BY id OFFSET 100 LIMIT 1")


class Batches(threading.Thread):
    """Takes the ledger's lock as batches do, until it is told to end. `longest` is in seconds."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(daemon=True)
        self._engine = engine
        self._has_ended = threading.Event()
        self.longest = 0.0

    def run(self) -> None:
        """Take the lock, and let go of it, every two milliseconds."""
        while not self._has_ended.wait(0.002):
            started = time.monotonic()
            with self._engine.begin() as connection:
                ledger.lock_shared(connection)
            self.longest = max(self.longest, time.monotonic() - started)

    def end(self) -> float:
        """Return the longest wait."""
        self._has_ended.set()
        self.join()
        return self.longest


def main() -> None:
    """Print a row for each correction."""
    console = Console()
    table = Table("correction", "seconds", "batches waited at most, s")
    with running_servers(fast=False) as servers:
        environment = environment_of(servers)
        engine = engine_of(environment)
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
        with console.status("writing the ledger"):
            _fill(engine)
        for name, correct in _corrections(engine, servers, environment):
            with console.status(name):
                seconds, longest = _watched(engine, correct)
            table.add_row(name, f"{seconds:.2f}", f"{longest:.2f}")
        engine.dispose()
    console.print(table)


def _fill(engine: Engine) -> None:
    values = {"players": PLAYERS, "most": MOST_EVENTS, "others": EVENTS_OF_OTHERS, "days": DAYS}
    with engine.begin() as connection:
        connection.execute(_USERS, values)
        connection.execute(_LEDGER, values)
    settled.vacuum(engine)
    settled.take_in(engine)
    with engine.begin() as connection:
        connection.execute(_STANDINGS)
    settled.vacuum(engine)


def _corrections(
    engine: Engine, servers: Servers, environment: Mapping[str, str]
) -> Iterator[tuple[str, Callable[[], object]]]:
    client = redis_client.connect(servers.redis_url(0))
    settings = settings_module.load(environment)
    corrector = Corrector(engine, Board(client), Inbox.of(client, settings))
    user, told, actor = id_of(1), Told("a measurement"), Actor("bench")
    with engine.connect() as connection:
        event = connection.execute(_ANY_EVENT, {"user": user}).scalar_one()
    yield f"void one of {MOST_EVENTS:,} updates", lambda: corrector.void_event(event, told, actor)
    yield f"restore one of {MOST_EVENTS:,} updates", lambda: corrector.restore_event(event, told, actor)
    week = Span(datetime.now(UTC) - timedelta(days=7), datetime.now(UTC))
    yield f"void a week of {MOST_EVENTS:,} updates", lambda: corrector.correct_span([user], week, told, actor)
    span = ["--from", "2020-01-01T00:00:00Z", "--to", datetime.now(UTC).isoformat(), "--action", "share"]
    command = [sys.executable, "-m", "scoreboard", "events", "void", *span, "--reason", "a measurement"]
    events = MOST_EVENTS + (PLAYERS - 1) * EVENTS_OF_OTHERS
    yield (
        f"scoreboard events void, {events:,} updates of {PLAYERS:,} players",
        lambda: subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL),
    )
    client.close()


def _watched(engine: Engine, correct: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a correction took, and the longest that a batch waited."""
    batches = Batches(engine)
    batches.start()
    started = time.monotonic()
    correct()
    return time.monotonic() - started, batches.end()


if __name__ == "__main__":
    main()
