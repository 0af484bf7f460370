"""The check that a worker serves the queue of chores. Without one updates count, but nothing is verified or closed."""

import time

import structlog
from celery import Celery
from kombu import Queue

from common.core import task_names
from common.redis_store import keys
from workers.state import WorkerState

log = structlog.get_logger(__name__)

UNATTENDED_AFTER_SECONDS = 60.0
"""How long after the start a missing worker is reported; a start of all programs takes less."""

TOLD_EVERY_SECONDS = 300

_STARTED = time.monotonic()


def warn_if_unattended(worker: WorkerState, up_seconds: float | None = None) -> bool:
    """Log an error, at most every five minutes, if no worker has run a chore lately. Returns whether it logged one.

    `up_seconds` is how long this process has run.
    """
    up = time.monotonic() - _STARTED if up_seconds is None else up_seconds
    if up < UNATTENDED_AFTER_SECONDS or worker.redis.exists(keys.CHORES_SEEN):
        return False
    if not worker.redis.set(keys.turn("chores.missing"), "1", nx=True, ex=TOLD_EVERY_SECONDS):
        return False
    log.error("chores_unattended", reason="no worker serves the queue `chores`: see the Procfile")
    return True


def discard_messages(app: Celery) -> None:
    """Empty the queue that no worker serves. Beat sends the tasks again, and Redis must not fill up meanwhile."""
    with app.connection_for_write() as connection:
        Queue(task_names.QUEUE_CHORES, channel=connection.default_channel).purge()
