"""The Celery application that `celery --app workers.app` runs as worker and as beat."""

from celery import Celery, signals

from common import logging, settings
from workers import metrics_server

app = Celery("scoreboard", include=["workers.tasks"])
app.config_from_object("celeryconfig")


@signals.setup_logging.connect
def configure_logging(**_: object) -> None:
    logging.configure(settings.load(), "worker")


@signals.worker_ready.connect
def serve_metrics(**_: object) -> None:
    """In the worker's main process, beside its pool."""
    metrics_server.start(settings.load())
