"""Asks the workers to drain the inbox, by the task's name."""

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from common import tasks

log = structlog.get_logger(__name__)


class Doorbell:
    """A sender of `scores.apply`."""

    def __init__(self, broker_url: str) -> None:
        self._celery = Celery("scoreboard-web", broker=broker_url, set_as_current=False)
        self._celery.conf.update(broker_transport_options=tasks.BROKER_OPTIONS, task_ignore_result=True)

    def ring(self) -> None:
        """Send the task once, without waiting for a broker that is away: the sweep rings for what was missed."""
        try:
            self._celery.send_task(tasks.APPLY, queue=tasks.QUEUE, expires=tasks.DOORBELL_SECONDS, retry=False)
        except (OperationalError, OSError) as error:
            log.warning("doorbell_not_rung", error=type(error).__name__)
