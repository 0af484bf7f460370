"""`python -m bench.long_ledger`: the rate of updates beside the verifying chore, with a ledger of millions of rows.

SQL creates the rows, whose points add up to zero. Updates are measured three times: without the chores, while the
checkpoint includes the ledger for the first time, and while players are checked round after round.
"""

import argparse
import time

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from bench import claims, generator, players, settled
from bench.load import Result
from bench.own_database import engine_of, environment_of
from common.postgres import catalogue
from dev.harness.servers import running_servers
from dev.harness.stack import running_stack

PLAYERS = 1_000
CONNECTIONS = 32

_USERS = text("""
INSERT INTO users (id, username, username_key, password_hash, role)
SELECT gen_random_uuid(), 'row-' || n, 'row-' || n, '-', 'player' FROM generate_series(1, :players) n
""")
_LEDGER = text("""
INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, score_after,
                          occurred_at, accepted_at, recorded_at)
SELECT nextval('score_event_ids'), ids[n / 2 % :players + 1], n::text, 'share', 1,
       CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END, 0, now(), now(), now()
FROM generate_series(0, :rows - 1) n, (SELECT array_agg(id) AS ids FROM users WHERE username LIKE 'row-%') u
""")
_STANDINGS = text("""
INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
SELECT 'main', p, e.user_id, 0, e.tie, 1, e.at
FROM (SELECT user_id, max(id) AS tie, max(recorded_at) AS at FROM score_events GROUP BY user_id) e
CROSS JOIN LATERAL unnest(ARRAY[
    'all', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'), to_char(now() AT TIME ZONE 'UTC', 'IYYY-"W"IW'),
    to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')]) p
""")


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.long_ledger")
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--requests", type=int, default=20_000)
    given = arguments.parse_args()
    console = Console()
    with running_servers(fast=False) as servers:
        environment = environment_of(servers)
        engine = engine_of(environment)
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
        console.print(f"writing {given.rows:,} ledger rows: {_fill(engine, given.rows):.0f} s")
        with running_stack(servers, environment["DATABASE_URL"], 0, SCOREBOARD_WEB_PROCESSES="2") as stack:
            port, logins = int(stack.environment["SCOREBOARD_PORT"]), players.register(stack.url, CONNECTIONS)

            def updates() -> Result:
                return generator.run(port, claims.updates(logins, given.requests, waits=True), CONNECTIONS)

            stack.stop("chores")
            results = {"without chores": updates()}
            stack.start("chores")
            results["while the ledger is taken in for the first time"] = updates()
            console.print(f"taking in the rest at full speed: {_take_in(engine):.0f} s")
            results["while players are checked"] = updates()
            with engine.connect() as connection:
                taken_in = connection.execute(text("SELECT event_id FROM ledger_checkpoint")).scalar_one()
            console.print(f"the checkpoint is at {taken_in:,}")
            console.print(_found(stack.log("chores")))
        engine.dispose()
    console.print(_table(results))


def _fill(engine: Engine, rows: int) -> float:
    started = time.monotonic()
    with engine.begin() as connection:
        connection.execute(_USERS, {"players": PLAYERS})
        connection.execute(_LEDGER, {"players": PLAYERS, "rows": rows})
        connection.execute(_STANDINGS)
    settled.vacuum(engine)
    return time.monotonic() - started


def _take_in(engine: Engine) -> float:
    """Return the seconds that it takes to add up the rest of the ledger at full speed."""
    started = time.monotonic()
    settled.take_in(engine)
    return time.monotonic() - started


def _found(log: str) -> str:
    events = ("drift_found", "checkpoint_too_slow", "verification_too_slow", "task_postponed")
    return ", ".join(f"{event}: {log.count(event)}" for event in events)


def _table(results: dict[str, Result]) -> Table:
    table = Table("updates, each waits for its 200", "per second", "p50 ms", "p99 ms", "answers")
    for name, result in results.items():
        statuses = " ".join(f"{status}:{count}" for status, count in sorted(result.statuses.items()))
        table.add_row(name, f"{result.per_second:,.0f}", f"{result.p50:.1f}", f"{result.p99:.1f}", statuses)
    return table


if __name__ == "__main__":
    main()
