"""The worker of the chores with one more, which takes as long as it is told: `celery --app bench.long_chore`.

It works as rankings and back-fills do: it sorts a whole board in PostgreSQL, slice after slice of its time, and writes
what it has found to a table of its own. It never rests, so that it uses what a chore can use.
"""

import time

from sqlalchemy import text

import workers.tasks
from workers.app import app
from workers.state import WorkerState, state

NAME = "bench.long_chore"
RUNNING = "bench:long_chore"
"""The Redis key that is there while the chore runs, with how many slices it has done."""

_KEPT_SECONDS = 600
_TABLE = text("CREATE TEMPORARY TABLE IF NOT EXISTS ranked (user_id uuid PRIMARY KEY, rank bigint)")
_RANK = text("""
INSERT INTO ranked
SELECT user_id, row_number() OVER (ORDER BY score DESC, second, tie)
FROM standings WHERE board_id = 'main' AND period_id = 'all' AND NOT hidden
ON CONFLICT (user_id) DO UPDATE SET rank = excluded.rank
""")

__all__ = ["app", "workers"]


def work(worker: WorkerState, seconds: float) -> int:
    """Work for so long, and return how many slices were done."""
    until, slices = time.monotonic() + seconds, 0
    worker.redis.set(RUNNING, slices, ex=_KEPT_SECONDS)
    try:
        while time.monotonic() < until:
            with worker.engine.begin() as connection:
                connection.execute(_TABLE)
                connection.execute(_RANK)
            slices += 1
            worker.redis.set(RUNNING, slices, ex=_KEPT_SECONDS)
    finally:
        worker.redis.delete(RUNNING)
    return slices


@app.task(name=NAME)
def long_chore(seconds: float) -> None:
    """Take so long in the queue of chores."""
    work(state(), seconds)
