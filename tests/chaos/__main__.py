"""`make chaos`: the long form. `CHAOS_MINUTES=10` says how long, `CHAOS_SEED=…` which faults come when.

`CHAOS_ONLY="kill -9 web, FLUSHALL"` keeps to faults of these names.
"""

import os
import random
import secrets
import sys
import time
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from tests.chaos import disks
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.rounds import Report, Round, run

SECONDS, MANY_SECONDS = 3.0, 30.0
LASTING_SHARE = 0.1
"""How many of the rounds last long."""

_WIDTH_OF_A_FILE = 140
"""Where there is no terminal to ask, wide enough for the table."""

MIXED_SHARE = 0.3
"""How many of the rounds have two faults."""


def rounds(seed: int, minutes: float, faults: Sequence[Fault]) -> Iterator[Round]:
    """Every fault once, in an order of the seed's, and then others and pairs until the time is over."""
    draw = random.Random(seed)
    deadline = time.monotonic() + 60 * minutes
    waiting = draw.sample(faults, len(faults))
    while time.monotonic() < deadline:
        most = min(len(faults), 2)
        chosen = [waiting.pop()] if waiting else draw.sample(faults, most if draw.random() < MIXED_SHARE else 1)
        yield chosen, MANY_SECONDS if draw.random() < LASTING_SHARE else SECONDS


def main() -> None:
    minutes = float(os.environ.get("CHAOS_MINUTES") or 10)
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbits(32))
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH_OF_A_FILE)
    only = [name.strip() for name in os.environ.get("CHAOS_ONLY", "").split(",") if name.strip()]
    faults = [
        fault
        for fault in FAULTS
        if (disks.are_possible() or not fault.needs_small_disks) and (not only or fault.name in only)
    ]
    if not faults:
        sys.exit(f"no fault has one of the names {only}; there are {sorted(fault.name for fault in FAULTS)}")
    console.print(f"chaos for {minutes:g} minutes, CHAOS_SEED={seed}")
    started = time.monotonic()
    with console.status("starting servers and programs") as status:

        def tell(report: Report, next_faults: str) -> None:
            done = sum(row.times for row in report.rows.values())
            updates = sum(row.updates for row in report.rows.values())
            text = f"{time.monotonic() - started:5.0f} s, {done} rounds, {updates} updates; now: {next_faults}"
            status.update(text)
            if not console.is_terminal:
                console.print(text)

        report = run(seed, rounds(seed, minutes, faults), on_small_disks=disks.are_possible(), tell=tell)
    console.print(table(report))
    values = sum(row.values for row in report.rows.values())
    console.print(f"{values} of the updates were on boards of values")
    console.print(f"slowest answer {report.slowest:.1f} s; later than 2 s: {report.late or 'none'}")
    console.print(f"to compare all with all took {report.longest_look:.1f} s at most")
    problems = [*report.problems, *report.overdue]
    for problem in problems:
        console.print(problem, markup=False)
    for name, text in report.logs.items():
        console.print(f"--- the end of {name}.log\n{text}", markup=False)
    sys.exit(1 if problems else 0)


def table(report: Report) -> Table:
    """One line per fault, and the sum."""
    shown = Table(
        "fault",
        "times",
        "updates",
        "lost",
        "doubled",
        "refused",
        "unknown",
        "202s forgotten",
        "seconds to converge (worst)",
    )
    for name, row in sorted(report.rows.items()):
        cells = (row.times, row.updates, row.lost, row.doubled, row.refused, row.unknown, row.forgotten)
        shown.add_row(name, *map(str, cells), f"{max(row.converged):.1f}")
    rows = report.rows.values()
    counted = ("times", "updates", "lost", "doubled", "refused", "unknown", "forgotten")
    sums = [sum(getattr(row, name) for row in rows) for name in counted]
    shown.add_section()
    shown.add_row("all", *map(str, sums), f"{max((max(row.converged) for row in rows), default=0.0):.1f}")
    return shown


if __name__ == "__main__":
    main()
