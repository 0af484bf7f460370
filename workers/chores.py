"""The check that a worker serves the queue of chores. Without one updates count, but nothing is verified or closed."""

import structlog
from celery import Celery
from kombu import Queue

from common.core import task_names
from common.redis_store import keys
from workers.state import WorkerState

log = structlog.get_logger(__name__)

TOLD_EVERY_SECONDS = 300


def warn_if_unattended(worker: WorkerState) -> bool:
    """Log an error, at most every five minutes, while no worker serves the queue of chores. Return whether it did."""
    if not worker.chores_watch.is_unattended():
        return False
    if not worker.redis.set(keys.turn("chores.missing"), "1", nx=True, ex=TOLD_EVERY_SECONDS):
        return False
    log.error("chores_unattended", reason="no worker serves the queue `chores`: see the Procfile")
    return True


def discard_messages(app: Celery) -> None:
    """Empty the queue that no worker serves. Beat sends the tasks again, and Redis must not fill up meanwhile."""
    with app.connection_for_write() as connection:
        Queue(task_names.QUEUE_CHORES, channel=connection.default_channel).purge()
