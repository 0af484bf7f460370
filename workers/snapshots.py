"""The beat job that keeps history: each open board's head, at every due instant once."""

from datetime import UTC, datetime, timedelta

import structlog

from common import periods, snapshots
from workers.state import WorkerState

log = structlog.get_logger(__name__)


def take_all(worker: WorkerState, now: datetime | None = None) -> None:
    """Store a snapshot per (board, open period) for the instant that is due, and delete those past their age."""
    now = now or datetime.now(UTC)
    due = snapshots.due_at(now, worker.settings.snapshot_minutes)
    boards = worker.catalogue.current().boards
    taken = 0
    for board_id in sorted(boards):
        for period in periods.open_at(due):
            with worker.engine.begin() as connection:
                taken += snapshots.take(connection, board_id, period.id, due)
    with worker.engine.begin() as connection:
        pruned = snapshots.prune(connection, now - timedelta(days=worker.settings.snapshot_keep_days))
    log.info("snapshots_taken", taken=taken, pruned=pruned)
