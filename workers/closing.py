"""Close calendar periods that are over: fix their final standings, keep their last snapshot, tell the viewers.

1. By Redis' clock, which stamps every acceptance, the period is over.
2. The oldest entry of the inbox was accepted after its end, or there is none: nothing of it is still pending.
3. With the ledger to ourselves: mark it closed, with the last ledger row that counts, and store its last snapshot.
4. Say so. A viewer whose process does not hear it rolls over by the clock.

Each step may be repeated, and a death after any of them leaves a period that the next sweep finds.
"""

from datetime import datetime, timedelta

import orjson
import structlog

from common import closures, ledger, snapshots
from common.closures import Ended
from workers.attempts import for_each
from workers.state import WorkerState

log = structlog.get_logger(__name__)

SHOWN_FROM_REDIS = timedelta(days=8)
"""For how long after its end a closed period is kept in Redis; later it is read from PostgreSQL."""


def close_ended(worker: WorkerState, now: datetime | None = None) -> list[Ended]:
    """Close what can be closed now; those periods come back."""
    now = now or worker.inbox.now()
    with worker.engine.connect() as connection:
        ended = closures.ended(connection, now)
    if not ended:
        return []
    oldest = worker.inbox.oldest()
    due = [period for period in ended if oldest is None or oldest >= period.ends_at]
    return [period for period in for_each(due, lambda period: _close(worker, period, now)) if period]


def release_old(worker: WorkerState, now: datetime) -> None:
    """Let Redis forget closed periods when their time is over, also those that were rebuilt since."""
    with worker.engine.connect() as connection:
        closed = closures.closed_since(connection, now - 2 * SHOWN_FROM_REDIS)
    for period in closed:
        worker.board.expire(period.board_id, period.period_id, period.ends_at + SHOWN_FROM_REDIS)


def _close(worker: WorkerState, period: Ended, now: datetime) -> Ended | None:
    """None if somebody else has closed it."""
    with worker.engine.begin() as connection:
        ledger.hold(connection)
        if not closures.close(connection, period.board_id, period.period_id, now):
            return None
        snapshots.take(connection, period.board_id, period.period_id, period.ends_at)
    news = {"boards": [{"board": period.board_id, "period": period.period_id}], "players": [], "rollover": True}
    worker.inbox.announce(orjson.dumps(news))
    log.info("period_closed", board=period.board_id, period=period.period_id)
    return period
