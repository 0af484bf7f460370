"""`make load`: the long form. `LOAD_USERS` (50), `LOAD_SECONDS` (60, of each load) and `LOAD_ONLY` choose its size."""

import logging
import os
import resource
import secrets
import subprocess
import sys
from collections.abc import Sequence

import structlog
from rich.console import Console
from rich.table import Table

from dev.harness.servers import Servers, running_servers
from dev.harness.stack import running_stack
from tests.load.runs import LOADS, PLAYERS, Report, Size, run

_WIDTH_OF_A_FILE = 140


def main() -> None:
    users, seconds = int(os.environ.get("LOAD_USERS") or 50), int(os.environ.get("LOAD_SECONDS") or 60)
    players = int(os.environ.get("LOAD_PLAYERS") or PLAYERS)
    chosen = (os.environ.get("LOAD_ONLY") or " ".join(LOADS)).split()
    if unknown := set(chosen) - set(LOADS):
        sys.exit(f"LOAD_ONLY knows {', '.join(LOADS)}, not {', '.join(sorted(unknown))}")
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH_OF_A_FILE)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    reports = []
    console.print("starting servers and programs")
    with running_servers(fast=False) as servers, running_stack(servers, _migrated(servers), 0) as stack:
        for load in chosen:
            console.print(f"{load}: {users} users for {seconds} seconds")
            reports.append(run(load, stack, Size(users, seconds, players=players)))
    console.print(table(reports))
    broken = [f"{report.load}: {sentence}" for report in reports for sentence in report.broken]
    for sentence in broken:
        console.print(sentence, markup=False)
    sys.exit(1 if broken else 0)


def table(reports: Sequence[Report]) -> Table:
    """Return a table with a line for each load."""
    shown = Table("load", "requests", "per second", "p50 ms", "p99 ms", "seen", "broken promises")
    for report in reports:
        seen = ", ".join(f"{count:,} {name}" for name, count in sorted(report.counted.items()))
        figures = (f"{report.requests:,}", f"{report.per_second:.0f}", f"{report.p50:.0f}", f"{report.p99:.0f}")
        shown.add_row(report.load, *figures, seen, str(len(report.broken)))
    return shown


def _migrated(servers: Servers) -> str:
    """Create a database with our tables, and return its URL."""
    environment = {
        "DATABASE_URL": servers.create_database("load"),
        "REDIS_URL": servers.redis_url(0),
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
    }
    subprocess.run([sys.executable, "-m", "scoreboard", "migrate"], env={**os.environ, **environment}, check=True)
    return environment["DATABASE_URL"]


if __name__ == "__main__":
    main()
