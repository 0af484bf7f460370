"""The doorbell: a task, sent by name, that asks the workers to drain the inbox."""

import threading

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from common.core import task_names

log = structlog.get_logger(__name__)


class Doorbell:
    """Sends the task `scores.apply`. `broker_url` is as Celery takes it."""

    def __init__(self, broker_url: str) -> None:
        self._celery = Celery("scoreboard-web", broker=broker_url, set_as_current=False)
        self._celery.conf.update(broker_transport_options=task_names.BROKER_OPTIONS, task_ignore_result=True)

    def ring(self) -> None:
        """Send the task in a thread of its own, because a request must not wait for a broker that does not answer.

        A failure is harmless: the sweep rings for updates that were missed.
        """
        threading.Thread(target=self._send, name="doorbell", daemon=True).start()

    def _send(self) -> None:
        try:
            self._celery.send_task(
                task_names.APPLY, queue=task_names.QUEUE, expires=task_names.EXPIRES_SECONDS, retry=False
            )
        except (OperationalError, OSError) as error:
            log.warning("doorbell_not_rung", error=type(error).__name__)
