"""The Celery tasks: each a shell around one call. `common/core/task_names.py` has their names."""

from collections.abc import Callable

import structlog
from celery import Task

from common.core import task_names
from workers import chores, closing, filling, maintenance, ranking, snapshots, tallying, verifying
from workers.app import app
from workers.failures import NotDueError, is_away
from workers.state import WorkerState, state


def task(name: str, every: float | None = None) -> Callable[[Callable[[WorkerState], None]], Task[[], None]]:
    """Register a task. It shows that a worker lives, and its failures are tracked (`workers/failures.py`).

    Nothing is retried here: the next sweep rings for entries that are still pending, and sends chores again that have
    failed. A task that beat sends `every` so many seconds does not run much more often than that, however many messages
    have gathered, unless it is a chore that failed by no server's fault.
    """

    def register(body: Callable[[WorkerState], None]) -> Task[[], None]:
        def run() -> None:
            structlog.contextvars.bind_contextvars(task=name)
            worker = state()
            with worker.failures.track_task(name):
                maintenance.show_alive(worker, task_names.queue_of(name))
                if every and not maintenance.takes_turn(worker, name, every):
                    raise NotDueError
                try:
                    body(worker)
                except Exception as error:
                    if name in task_names.CHORES and not is_away(error):
                        maintenance.give_turn_back(worker, name)
                    raise

        registered: Task[[], None] = app.task(name=name)(run)
        return registered

    return register


@task(task_names.APPLY)
def apply_scores(worker: WorkerState) -> None:
    """Drain the inbox."""
    if worker.drain.run() and worker.inbox.acquire_doorbell():
        app.send_task(task_names.APPLY)


@task(task_names.SWEEP, every=task_names.SWEEP_SECONDS)
def sweep(worker: WorkerState) -> None:
    """Ring the doorbell if entries wait, repair Redis, and see that the chores are done; each step by itself."""
    steps: dict[str, Callable[[], object]] = {
        "inbox": worker.inbox.open,
        "ring": lambda: _ring(worker),
        "revocations": lambda: maintenance.load_revocations(worker),
        "showing": lambda: maintenance.show_changes(worker),
        "chores": lambda: _check_chores(worker),
        "again": lambda: _send_failing_chores(worker),
        "boards": lambda: _rebuild_small_boards(worker),
    }
    for name, take in steps.items():
        with worker.failures.track_step(task_names.SWEEP, name):
            take()


def _ring(worker: WorkerState) -> None:
    if maintenance.is_to_ring(worker):
        app.send_task(task_names.APPLY)


def _check_chores(worker: WorkerState) -> None:
    if chores.warn_if_unattended(worker):
        chores.discard_messages(app)


def _send_failing_chores(worker: WorkerState) -> None:
    """Send each chore that has failed again: what it failed for may be over long before it is due."""
    for name in maintenance.find_failing_chores(worker):
        app.send_task(name, expires=task_names.EXPIRES_SECONDS)


@task(task_names.CLOSE, every=task_names.CLOSE_SECONDS)
def close_periods(worker: WorkerState) -> None:
    """Close periods that are over."""
    closing.close_ended(worker)


@task(task_names.RANK, every=task_names.RANK_SECONDS)
def rank_periods(worker: WorkerState) -> None:
    """Rank closed periods."""
    ranking.rank_closed(worker)


def _rebuild_small_boards(worker: WorkerState) -> None:
    """Rebuild the small boards, and send the task that rebuilds the others, also if one of the small ones failed."""
    are_left = True
    try:
        are_left = maintenance.rebuild_small_boards(worker)
    finally:
        if are_left and maintenance.takes_turn(worker, task_names.REBUILD, task_names.REBUILD_SECONDS):
            app.send_task(task_names.REBUILD, expires=task_names.EXPIRES_SECONDS)


@task(task_names.REBUILD)
def rebuild_boards(worker: WorkerState) -> None:
    """Rebuild the boards that are too large for the sweep."""
    maintenance.rebuild_boards(worker)


@task(task_names.VERIFY, every=task_names.VERIFY_SECONDS)
def verify(worker: WorkerState) -> None:
    """Check that ledger, standings and Redis agree about some players."""
    verifying.verify_some(worker)


@task(task_names.TAKE_SNAPSHOTS)
def take_snapshots(worker: WorkerState) -> None:
    """Store the head of every open board that has changed."""
    snapshots.take_all(worker)


@task(task_names.TIDY, every=task_names.TIDY_SECONDS)
def tidy(worker: WorkerState) -> None:
    """Delete expired sessions and consumers."""
    maintenance.prune(worker)


@task(task_names.FILL, every=task_names.FILL_SECONDS)
def fill_achievements(worker: WorkerState) -> None:
    """Count what happened before achievements were made."""
    filling.fill_some(worker)


@task(task_names.COUNT_RARITIES, every=task_names.COUNT_RARITIES_SECONDS)
def count_rarities(worker: WorkerState) -> None:
    """Count who has each achievement."""
    filling.count_rarities(worker)


@task(task_names.COUNT_HOURS, every=task_names.COUNT_HOURS_SECONDS)
def count_hours(worker: WorkerState) -> None:
    """Count the figures of hours."""
    tallying.count_hours(worker)
