"""The Celery application that `celery --app workers.app` runs as worker and as beat."""

import sys

from billiard import pool
from celery import Celery, signals

from common import celery_settings, logging, redis, settings
from workers import metrics_server
from workers.broker import Amqp

RESULT_HEARD_WITHIN_TENTHS = 20
"""Of a second."""

app = Celery("scoreboard", include=["workers.tasks"], amqp=Amqp)
app.config_from_object("celeryconfig")


@signals.setup_logging.connect
def configure_logging(**_: object) -> None:
    logging.configure(celery_settings.load(), "worker")


@signals.celeryd_init.connect
def refuse_eviction(**_: object) -> None:
    """A worker that was started by itself refuses what the web would."""
    try:
        config = settings.load()
    except settings.SettingsError as error:
        sys.exit(f"worker cannot start: {error}")
    try:
        for url in {config.redis_url, config.celery_broker_url}:
            redis.refuse_eviction(url)
    except redis.EvictionError as error:
        sys.exit(f"worker cannot start: REDIS_URL or BROKER_URL: {error}")


@signals.worker_process_init.connect
def end_soon(**_: object) -> None:
    """billiard's pool lets a child that ends wait for half a minute for somebody to hear of its last result.

    After a broker was away in the middle of a task nobody listens any more, and nobody needs the results.
    """
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = RESULT_HEARD_WITHIN_TENTHS


@signals.worker_ready.connect
def serve_metrics(**_: object) -> None:
    """In the worker's main process, beside its pool."""
    metrics_server.start(settings.load())
