"""The short form: some faults, another choice each time; `make chaos` runs the long one."""

import os
import random
import secrets

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.rounds import Report, run

ROUNDS = 6
SECONDS = 1.0


@pytest.mark.timeout(300)
def test_after_any_fault_everything_adds_up() -> None:
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbits(32))
    print(f"CHAOS_SEED={seed}")
    draw = random.Random(seed)
    chosen = draw.sample([fault for fault in FAULTS if not fault.is_long and not fault.needs_small_disks], ROUNDS)
    report = run(seed, (([fault], SECONDS) for fault in chosen), tell=lambda _, fault: print(f"now: {fault}"))
    assert report.problems == [], told(report)
    assert sum(row.updates for row in report.rows.values()) > 0, told(report)


def told(report: Report) -> str:
    """All that a failure has to say, in its own message, which no runner of tests leaves out."""
    rows = [f"{name}: {row}" for name, row in report.rows.items()]
    logs = [f"--- the end of {name}.log\n{text}" for name, text in report.logs.items()]
    return "\n".join([f"CHAOS_SEED={report.seed}", *rows, *report.problems, *logs])
