"""Asks the workers to drain the inbox, by the task's name."""

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from common import tasks

log = structlog.get_logger(__name__)

_celery = Celery("scoreboard-web")
_celery.config_from_object("celeryconfig")


def ring() -> None:
    """Send the task once, without waiting for a broker that is away: the sweep rings for what was missed."""
    try:
        _celery.send_task(tasks.APPLY, expires=tasks.DOORBELL_SECONDS, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("doorbell_not_rung", error=type(error).__name__)
