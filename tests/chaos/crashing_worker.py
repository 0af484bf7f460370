"""The worker, but not quite: `celery --app tests.chaos.crashing_worker`.

By its environment it dies at one point, its clock is wrong, it takes snapshots at every instant, or it reads the next
major version of the inbox's entries.
"""

import os
from datetime import UTC, datetime, timedelta

import time_machine

import workers.tasks
from common.domain import inbox_entries
from common.postgres import snapshots
from tests.chaos import crash_points
from workers.app import app

CLOCK = "CHAOS_CLOCK_SECONDS"
ALWAYS_DUE = "CHAOS_SNAPSHOTS_ARE_ALWAYS_DUE"
READS_VERSION = "CHAOS_READS_VERSION"

__all__ = ["app", "workers"]

if crash_points.POINT in os.environ:
    crash_points.install()
if CLOCK in os.environ:
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=int(os.environ[CLOCK])), tick=True).start()
if ALWAYS_DUE in os.environ:
    snapshots.due_at = lambda now, minutes: now
if READS_VERSION in os.environ:
    inbox_entries.ENTRY_VERSION = int(os.environ[READS_VERSION])
