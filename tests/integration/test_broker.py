"""Celery's connection to a broker that is away: it is tried again at a steady pace, however long it takes."""

from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from dev.harness.stack import free_port
from workers.broker import RECONNECT_SECONDS, Amqp


def test_the_pace_of_trying_again_does_not_slow_down() -> None:
    pauses: list[float] = []

    def note(_error: Exception, pause: float) -> None:
        pauses.append(pause)

    with Celery(broker=f"redis://127.0.0.1:{free_port()}/0", amqp=Amqp, set_as_current=False) as app:
        connection: Any = app.connection_for_read()
        with pytest.raises(OperationalError):
            connection.ensure_connection(note, 2)

    assert pauses == [RECONNECT_SECONDS] * 2
