"""Celery's connections to the broker, which reconnect soon after the broker is back."""

from typing import Any, Self

from celery.app.amqp import AMQP
from kombu import Connection

RECONNECT_SECONDS = 1


class PersistentConnection(Connection):
    """A connection that tries to reconnect every second for as long as it takes.

    kombu waits two seconds longer each time, up to thirty, and Celery has no setting for it: after an outage of half a
    minute no worker received a doorbell for another twelve seconds.
    """

    def ensure_connection(self, *arguments: Any, **keywords: Any) -> Self:  # noqa: ANN401 - passed on as they are
        """Connect as kombu does, with other intervals."""
        keywords |= {"interval_start": RECONNECT_SECONDS, "interval_step": 0, "interval_max": RECONNECT_SECONDS}
        return super().ensure_connection(*arguments, **keywords)


class Amqp(AMQP):
    """Celery's factory of connections, which makes persistent ones."""

    Connection = PersistentConnection
