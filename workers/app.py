"""The Celery application that `celery --app workers.app` runs as worker and as beat."""

from celery import Celery, signals

from common import logging, settings

app = Celery("scoreboard", include=["workers.tasks"])
app.config_from_object("celeryconfig")


@signals.setup_logging.connect
def configure_logging(**_: object) -> None:
    logging.configure(settings.load(), "worker")
