"""The worker, which dies at one point, or whose clock is wrong: `celery --app tests.chaos.crashing_worker`."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

import workers.tasks
from tests.chaos import crash_points
from workers.app import app

CLOCK = "CHAOS_CLOCK_SECONDS"

__all__ = ["app", "workers"]

if crash_points.POINT in os.environ:
    crash_points.install()
if CLOCK in os.environ:
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=int(os.environ[CLOCK])), tick=True).start()
