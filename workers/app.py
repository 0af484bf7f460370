"""The Celery application that `celery --app workers.app` runs as worker and as beat."""

import gc
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from billiard import pool
from celery import Celery, signals

from common.core import celery_settings, logging, priority, settings, task_names
from common.postgres import schema
from common.redis_store import client as redis_client
from workers import metrics_server
from workers.broker import Amqp

RESULT_ACKNOWLEDGED_WITHIN_TENTHS = 20
"""The wait for the acknowledgement of a result, in tenths of a second."""

OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""Python's own 700 cost a quarter of what a worker computes for a batch of 500."""

SECONDS_TO_THE_OTHER_THREAD = 0.0005
"""How long the thread that computes keeps the interpreter when the other one has its answer from a server. Python's own
5 ms are most of what a batch of 16 takes."""

log = structlog.get_logger(__name__)

app = Celery("scoreboard", include=["workers.tasks"], amqp=Amqp)
app.config_from_object("celeryconfig")


@signals.setup_logging.connect
def configure_logging(**_: object) -> None:
    logging.configure(celery_settings.load(), "worker")


@signals.celeryd_init.connect
def refuse_eviction(**_: object) -> None:
    """Refuse to start on a Redis server that evicts keys, as the web does."""
    try:
        config = settings.load()
    except settings.SettingsError as error:
        sys.exit(f"worker cannot start: {error}")
    try:
        for url in {config.redis_url, config.broker_redis_url}:
            redis_client.refuse_eviction(url)
    except redis_client.UnfitServerError as error:
        sys.exit(f"worker cannot start: REDIS_URL or BROKER_URL: {error}")


@signals.celeryd_init.connect
def refuse_misfit(**_: object) -> None:
    """Refuse to start on a schema that does not fit, with which a worker would read the inbox and apply nothing."""
    try:
        schema.require_fit_at_start(settings.load())
    except schema.MisfitError as error:
        sys.exit(f"worker cannot start: DATABASE_URL: {error}")


@signals.celeryd_init.connect
def give_way_to_updates(options: Mapping[str, Any], **_: object) -> None:
    """Let a worker that serves only chores have the processors after everybody else, updates and Redis above all."""
    if set(options.get("queues") or ()) == {task_names.QUEUE_CHORES}:
        priority.give_way()


@signals.worker_process_init.connect
def shorten_result_wait(**_: object) -> None:
    """Shorten the half minute for which a child of billiard's pool waits until its last result is acknowledged.

    After the broker was away in the middle of a task nobody acknowledges it, and nobody needs the results.
    """
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = RESULT_ACKNOWLEDGED_WITHIN_TENTHS


@signals.worker_process_shutdown.connect
def write_last_lines(**_: object) -> None:
    """Write the log lines that a child of the pool has gathered, whose end runs no `atexit`."""
    logging.flush()


@signals.worker_process_init.connect
def collect_garbage_less_often(**_: object) -> None:
    """Let a batch of 500, which makes objects by the ten thousand, not set the collector off a dozen times."""
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


@signals.worker_process_init.connect
def switch_threads_sooner(**_: object) -> None:
    """Let no thread of a drain (`workers/finisher.py`) wait for the other one while it has something to send."""
    sys.setswitchinterval(SECONDS_TO_THE_OTHER_THREAD)


@signals.worker_ready.connect
def serve_metrics(**_: object) -> None:
    """Serve the metrics in the worker's main process, beside its pool."""
    metrics_server.start(settings.load())


@signals.worker_ready.connect
def sweep_at_once(sender: Any, **_: object) -> None:  # noqa: ANN401 - Celery's consumer
    """Ask for a first sweep, because beat sends its first one only after its interval, and all wait for it."""
    if task_names.QUEUE in sender.app.amqp.queues.consume_from:
        sender.app.send_task(task_names.SWEEP, retry=False)


@signals.worker_ready.connect
def warn_of_both_queues(sender: Any, **_: object) -> None:  # noqa: ANN401 - Celery's consumer
    """Warn if this worker serves both queues, because updates then wait for each chore."""
    if {task_names.QUEUE, task_names.QUEUE_CHORES} <= set(sender.app.amqp.queues.consume_from):
        log.warning("chores_in_the_way", reason="start one worker with --queues scoreboard, one with --queues chores")
