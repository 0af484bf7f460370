"""Close periods that are over, also seasons: fix their final standings, notify viewers, store their last snapshot.

1. By Redis' clock, which stamps every acceptance, the period is over.
2. No update of the period is pending: all that the inbox holds was accepted before its begin or after its end. Of more
   than a thousand entries only the oldest is asked, and must have been accepted after its end.
3. While the ledger is locked, which one row needs only briefly: mark the period closed, with the last ledger row that
   counts, and its final snapshot as due.
4. Publish it. A viewer whose web process misses the message rolls over by the clock.
5. Store the final snapshot. Its standings do not change any more, so this may take as long as the board is large.

Each step may be repeated, and a death after any of them leaves a period that the next turn finds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
import structlog

from common.postgres import ledger, period_closing, snapshots
from common.postgres.period_closing import KEPT_IN_REDIS, Ended, FinalSnapshot
from workers.failures import try_each
from workers.state import WorkerState

log = structlog.get_logger(__name__)

LOOKED_AT = 1_000
"""The greatest number of entries whose periods are looked at one by one, in one call of Redis."""


def close_ended(worker: WorkerState, now: datetime | None = None) -> list[Ended]:
    """Close the periods that can be closed now and return them; store the final snapshots that are due."""
    now = now or worker.inbox.now()
    with worker.engine.connect() as connection:
        ended = period_closing.ended(connection, now)
    pending = worker.inbox.acceptances(LOOKED_AT) if ended else []
    due = [period for period in ended if not _may_grow(period, pending)]
    try:
        return [period for period in try_each(due, lambda period: _close(worker, period, now)) if period]
    finally:
        store_final_snapshots(worker)


def store_final_snapshots(worker: WorkerState) -> None:
    """Store each final snapshot that is due, also if others fail."""
    with worker.engine.connect() as connection:
        due = period_closing.snapshots_due(connection)
    try_each(due, lambda final: _store_final_snapshot(worker, final))


def _store_final_snapshot(worker: WorkerState, due: FinalSnapshot) -> None:
    head = snapshots.read(worker.engine, due.board_id, due.period_id)
    with worker.engine.begin() as connection:
        snapshots.store(connection, due.board_id, due.period_id, due.taken_at, head)
        period_closing.mark_snapshot_stored(connection, due)


def release_old(worker: WorkerState, now: datetime) -> None:
    """Set the expiry of dated periods in Redis, also of those that were rebuilt since.

    Those of today and yesterday get it in advance, because a board without scores is never closed.
    """
    with worker.engine.connect() as connection:
        closed = period_closing.closed_since(connection, now - 2 * KEPT_IN_REDIS)
    dated = {*closed, *_dated(worker, now), *_dated(worker, now - timedelta(days=1))}
    worker.board.expire({(each.board_id, each.period_id): each.ends_at + KEPT_IN_REDIS for each in dated})


def _dated(worker: WorkerState, now: datetime) -> list[Ended]:
    """Return the dated periods of every board that were open at this instant."""
    boards = worker.catalogue.current().open_periods(now)
    return [
        Ended(*board, period.ends_at, period.starts_at)
        for board, period in boards.items()
        if period.starts_at and period.ends_at
    ]


def _may_grow(period: Ended, pending: Sequence[datetime]) -> bool:
    """Return whether a pending update may belong to this period, by the instants of the first entries of the inbox.

    An update that is held for long so keeps open the periods in which it was accepted, and not all that end after them.
    """
    if len(pending) < LOOKED_AT:
        return any(period.starts_at <= accepted_at < period.ends_at for accepted_at in pending)
    return pending[0] < period.ends_at


def _close(worker: WorkerState, period: Ended, now: datetime) -> Ended | None:
    """Close a period and return it; None if another process has closed it."""
    with worker.engine.begin() as connection:
        ledger.lock_exclusive(connection)
        if not period_closing.close(connection, period.board_id, period.period_id, now):
            return None
    news = {"boards": [{"board": period.board_id, "period": period.period_id}], "players": [], "rollover": True}
    worker.inbox.announce(orjson.dumps(news))
    log.info("period_closed", board=period.board_id, period=period.period_id)
    return period
