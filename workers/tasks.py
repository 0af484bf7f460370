"""The Celery tasks: each a shell around one call. `common/tasks.py` has their names."""

from collections.abc import Callable

import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from common import metrics, tasks
from common.board import BoardNotServedError
from workers import chores, closing, housekeeping, snapshots, verifying
from workers.app import app
from workers.state import WorkerState, state

log = structlog.get_logger(__name__)

_AWAY = (redis.RedisError, SQLAlchemyError, BoardNotServedError, OSError)


def task(
    name: str, every: float | None = None, queue: str = tasks.QUEUE
) -> Callable[[Callable[[WorkerState], None]], Callable[[], None]]:
    """A task of ours: it shows that a worker lives, logs, and takes an absent dependency calmly.

    Nothing is retried here: what was not finished is still pending, and the next sweep rings for it. What beat sends
    `every` so many seconds is not done much more often than that, however many messages have gathered.
    """

    def register(body: Callable[[WorkerState], None]) -> Callable[[], None]:
        def run() -> None:
            structlog.contextvars.bind_contextvars(task=name)
            try:
                housekeeping.show_alive(state(), queue)
                if every and not housekeeping.takes_turn(state(), name, every):
                    return
                body(state())
                metrics.TASK_SUCCESS.labels(name).set_to_current_time()
            except _AWAY as error:
                log.warning("task_postponed", reason=type(error).__name__, detail=str(error)[:300])

        app.task(name=name, queue=queue)(run)
        return run

    return register


@task(tasks.APPLY)
def apply_scores(worker: WorkerState) -> None:
    """Drain the inbox."""
    if worker.drain.run() and worker.inbox.claim_doorbell():
        app.send_task(tasks.APPLY)


@task(tasks.SWEEP, every=tasks.SWEEP_SECONDS)
def sweep(worker: WorkerState) -> None:
    """See that Redis is whole, ring if something waits, and say so if nobody does the chores."""
    housekeeping.mend(worker)
    housekeeping.show_suspensions(worker)
    if worker.inbox.depth() and worker.inbox.claim_doorbell():
        app.send_task(tasks.APPLY)
    if chores.warn_if_unattended(worker):
        chores.discard_messages(app)


@task(tasks.CLOSE, every=tasks.CLOSE_SECONDS, queue=tasks.QUEUE_CHORES)
def close_periods(worker: WorkerState) -> None:
    """Close what is over."""
    closing.close_ended(worker)


@task(tasks.VERIFY, every=tasks.VERIFY_SECONDS, queue=tasks.QUEUE_CHORES)
def verify(worker: WorkerState) -> None:
    """Check that ledger, standings and Redis agree about some players."""
    verifying.verify_some(worker)


@task(tasks.TAKE_SNAPSHOTS, queue=tasks.QUEUE_CHORES)
def take_snapshots(worker: WorkerState) -> None:
    """Store the head of every open board that has moved."""
    snapshots.take_all(worker)


@task(tasks.TIDY, every=tasks.TIDY_SECONDS, queue=tasks.QUEUE_CHORES)
def tidy(worker: WorkerState) -> None:
    """Delete what has expired."""
    housekeeping.tidy(worker)
