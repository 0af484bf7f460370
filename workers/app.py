"""The Celery application that `celery --app workers.app` runs as worker and as beat."""

import sys

from celery import Celery, signals

from common import logging, redis, settings
from workers import metrics_server
from workers.broker import Amqp

app = Celery("scoreboard", include=["workers.tasks"], amqp=Amqp)
app.config_from_object("celeryconfig")


@signals.setup_logging.connect
def configure_logging(**_: object) -> None:
    logging.configure(settings.load(), "worker")


@signals.celeryd_init.connect
def refuse_eviction(**_: object) -> None:
    """A worker that was started by itself refuses what the web would."""
    config = settings.load()
    try:
        for url in {config.redis_url, config.celery_broker_url}:
            redis.refuse_eviction(url)
    except redis.EvictionError as error:
        sys.exit(f"worker cannot start: REDIS_URL or BROKER_URL: {error}")


@signals.worker_ready.connect
def serve_metrics(**_: object) -> None:
    """In the worker's main process, beside its pool."""
    metrics_server.start(settings.load())
