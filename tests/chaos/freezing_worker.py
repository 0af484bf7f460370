"""A drain that stands still at a crash point, without Celery: `python -m tests.chaos.freezing_worker`."""

import os

from common.core import settings
from tests.chaos import crash_points
from workers import state
from workers.state import WorkerState

IDLE_MS = "CHAOS_IDLE_IN_TRANSACTION_MS"

if __name__ == "__main__":
    state.IDLE_IN_TRANSACTION_MS = int(os.environ[IDLE_MS])
    crash_points.install()
    WorkerState.create(settings.load()).drain.run()
