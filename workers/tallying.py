"""The chore that counts the figures of hours: the hour that lasts, and those that are over and were not counted since.

Each hour is a transaction of its own, the newest first, and a turn ends after some seconds: a service that was away or
a ledger older than these figures is caught up with turn by turn, and a death at any line loses the work of one hour.
"""

import time
from datetime import UTC, datetime

import structlog

from common.postgres import hourly_stats
from workers.state import WorkerState

log = structlog.get_logger(__name__)

TURN_SECONDS = 5.0
HOURS_AT_ONCE = 500


def count_hours(worker: WorkerState, now: datetime | None = None) -> int:
    """Count hours that are due until the time of the turn is over, and return how many."""
    now = now or datetime.now(UTC)
    deadline = time.monotonic() + TURN_SECONDS
    with worker.engine.begin() as connection:
        hourly_stats.prune(connection, now)
        due = hourly_stats.due(connection, now, HOURS_AT_ONCE)
    counted = 0
    for hour in due:
        with worker.engine.begin() as connection:
            hourly_stats.count(connection, hour)
        counted += 1
        if time.monotonic() > deadline:
            log.info("hours_left_to_count", count=len(due) - counted)
            break
    return counted
