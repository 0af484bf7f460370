"""Celery's connection to a broker that is away: it is tried again at a steady pace, however long it takes."""

import os
import secrets
import subprocess
import sys
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from common.core import task_names
from dev.harness.stack import ROOT, free_port
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


def test_a_drain_that_never_ends_is_ended_with_its_process_and_no_other_task_is() -> None:
    script = """
from workers.app import app
app.loader.import_default_modules()
app.finalize()
print(*(app.tasks[name].time_limit for name in ("scores.apply", "scores.sweep")))
"""
    environment = {
        "PATH": os.defpath,
        "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(task_names.LONGEST_DRAIN_SECONDS), "None"]
