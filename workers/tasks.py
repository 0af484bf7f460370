"""The Celery tasks: each a shell around one call. `common/tasks.py` has their names."""

from collections.abc import Callable

import structlog

from common import tasks
from workers import chores, closing, housekeeping, snapshots, verifying
from workers.app import app
from workers.attempts import NotDueError
from workers.state import WorkerState, state


def task(
    name: str, every: float | None = None, queue: str = tasks.QUEUE
) -> Callable[[Callable[[WorkerState], None]], Callable[[], None]]:
    """A task of ours: it shows that a worker lives, and what goes wrong is told, whatever it is (`attempts`).

    Nothing is retried here: what was not finished is still pending, and the next sweep rings for it. What beat sends
    `every` so many seconds is not done much more often than that, however many messages have gathered.
    """

    def register(body: Callable[[WorkerState], None]) -> Callable[[], None]:
        def run() -> None:
            structlog.contextvars.bind_contextvars(task=name)
            worker = state()
            with worker.attempts.task(name):
                housekeeping.show_alive(worker, queue)
                if every and not housekeeping.takes_turn(worker, name, every):
                    raise NotDueError
                body(worker)

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
    """Ring if something waits, see that Redis is whole, say if nobody does the chores: each step for itself."""
    steps: dict[str, Callable[[], object]] = {
        "inbox": worker.inbox.open,
        "ring": lambda: _ring(worker),
        "revocations": lambda: housekeeping.load_revocations(worker),
        "suspensions": lambda: housekeeping.show_suspensions(worker),
        "chores": lambda: _look_after_chores(worker),
        "boards": lambda: _mend_boards(worker),
    }
    for name, take in steps.items():
        with worker.attempts.step(tasks.SWEEP, name):
            take()


def _ring(worker: WorkerState) -> None:
    if worker.inbox.depth() and worker.inbox.claim_doorbell():
        app.send_task(tasks.APPLY)


def _look_after_chores(worker: WorkerState) -> None:
    if chores.warn_if_unattended(worker):
        chores.discard_messages(app)


@task(tasks.CLOSE, every=tasks.CLOSE_SECONDS, queue=tasks.QUEUE_CHORES)
def close_periods(worker: WorkerState) -> None:
    """Close what is over."""
    closing.close_ended(worker)


def _mend_boards(worker: WorkerState) -> None:
    """Fill the small boards; ask for the others to be filled, also if one of these could not be."""
    are_left = True
    try:
        are_left = housekeeping.mend_boards(worker)
    finally:
        if are_left and housekeeping.takes_turn(worker, tasks.REBUILD, tasks.REBUILD_SECONDS):
            app.send_task(tasks.REBUILD, expires=tasks.EXPIRES_SECONDS)


@task(tasks.REBUILD, queue=tasks.QUEUE_CHORES)
def rebuild_boards(worker: WorkerState) -> None:
    """Fill the boards that are too large for the sweep."""
    housekeeping.rebuild_boards(worker)


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
