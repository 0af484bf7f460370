"""What has to be looked after while nobody asks: that Redis is whole, and that nothing piles up."""

from datetime import UTC, datetime

import structlog

from common import keys, periods, revocations, sessions, suspensions
from workers import closing
from workers.state import WorkerState

log = structlog.get_logger(__name__)

ALIVE_SECONDS = 15
CONSUMER_GONE_MS = 3_600_000


def show_alive(worker: WorkerState) -> None:
    """Leave the mark that `/readyz` looks for: a worker has run a task."""
    worker.redis.set(keys.WORKER_SEEN, "1", ex=ALIVE_SECONDS)


def takes_turn(worker: WorkerState, task: str, seconds: float) -> bool:
    """Whether a task that beat sends every so often is due. A pile of its messages runs one, and skips the others."""
    return bool(worker.redis.set(keys.turn(task), "1", nx=True, px=int(seconds * 1000 / 2)))


def mend(worker: WorkerState) -> None:
    """Bring back what Redis has lost: the consumer group, the boards of all open periods, the revocations."""
    worker.inbox.open()
    for board_id in sorted(worker.catalogue.current().boards):
        for period in periods.open_at(datetime.now(UTC)):
            worker.rebuilder.ensure_served(board_id, period.id)
    if not revocations.is_loaded(worker.redis):
        revocations.load_recent(worker.redis, worker.engine)
    revocations.catch_up(worker.redis, worker.engine)


def show_suspensions(worker: WorkerState) -> None:
    """Tell Redis of users who were suspended or reinstated by somebody who died before telling it."""
    with worker.engine.connect() as connection:
        behind = suspensions.unshown(connection)
    for user_id in behind:
        suspensions.show(worker.engine, worker.board, worker.inbox, user_id)


def tidy(worker: WorkerState) -> None:
    """Let go of sessions that have expired, closed periods in Redis and consumers that are gone."""
    now = datetime.now(UTC)
    with worker.engine.begin() as connection:
        pruned = sessions.prune(connection, now)
    closing.release_old(worker, now)
    worker.inbox.forget_idle_consumers(CONSUMER_GONE_MS)
    log.info("tidied", sessions=pruned)
