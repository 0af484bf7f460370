"""A worker process that is frozen in the middle of a batch, with its locks, beside a living one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from common.core.settings import Settings
from dev.harness.stack import ROOT
from dev.harness.waiting import wait_until
from tests.chaos import crash_points, freezing_worker
from tests.inbox import accept, add_users, board_of
from workers.state import WorkerState

LOCKED_MS = 8_000
"""Longer than an entry is left to a worker that may be dead, so that the heir meets the locks."""

AT_ONCE_SECONDS = 6.0
"""In which one wait for a lock, and the way around it, find room on a busy machine."""


@contextmanager
def frozen_before_commit(settings: Settings, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process that has read what is in the inbox, merged it, and stands still."""
    marker = folder / "frozen"
    environment = {
        "PATH": os.defpath,
        "DATABASE_URL": settings.database_url.replace("postgresql+psycopg2", "postgresql"),
        "REDIS_URL": settings.redis_url,
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-the-tests-0123456789",
        "SCOREBOARD_SECRET_KEY": "secret-key-of-the-tests-0123456789",
        crash_points.POINT: "standings merged",
        crash_points.MARKER: str(marker),
        crash_points.SIGNAL: "SIGSTOP",
        freezing_worker.IDLE_MS: str(LOCKED_MS),
    }
    process = subprocess.Popen([sys.executable, "-m", "tests.chaos.freezing_worker"], cwd=ROOT, env=environment)
    try:
        wait_until(lambda: marker.exists() and _state(process.pid) == "T", 60)
        yield process
    finally:
        process.kill()
        process.wait(15)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_beside_a_frozen_worker_what_is_new_is_applied_at_once_and_the_rest_when_its_locks_are_gone(
    settings: Settings, worker: WorkerState, engine: Engine, tmp_path: Path
) -> None:
    (locked, *free) = add_users(engine, 6)
    accept(worker, free[0], "share")  # the first update of a period lists it, and whoever else would waits for that
    worker.drain.run()
    accept(worker, locked, "win-match")
    with frozen_before_commit(settings, tmp_path) as frozen:
        began = time.monotonic()
        for player in free:
            accept(worker, player, "share")
        accept(worker, locked, "share")
        worker.drain.run()
        assert board_of(worker) == {**dict.fromkeys(free, 1), free[0]: 2}
        assert time.monotonic() - began < AT_ONCE_SECONDS

        drains = 0
        while worker.inbox.depth():
            assert time.monotonic() - began < 60
            before = time.monotonic()
            key = accept(worker, free[0], "share")
            worker.drain.run()
            receipt = worker.inbox.receipt(free[0], key)
            assert receipt
            assert receipt["status"] == "applied"
            assert time.monotonic() - before < AT_ONCE_SECONDS
            drains += 1
        assert _state(frozen.pid) == "T"
        expected = {locked: 26, free[0]: 2 + drains, **dict.fromkeys(free[1:], 1)}
        assert board_of(worker) == expected

        os.kill(frozen.pid, signal.SIGCONT)
        frozen.wait(30)
        worker.drain.run()
    assert board_of(worker) == expected
    assert worker.inbox.depth() == 0
    assert worker.verifier.check([locked, *free]) == []
    with engine.connect() as connection:
        assert connection.execute(text("SELECT sum(points) FROM score_events")).scalar_one() == sum(expected.values())
