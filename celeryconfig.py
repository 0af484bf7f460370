"""Celery's configuration, for workers, beat, Flower and the web that rings. Read from the environment."""

import sys

from kombu import Exchange, Queue

from common.core import celery_settings, settings, task_names

try:
    _settings = celery_settings.load()
except settings.SettingsError as error:
    sys.exit(f"celery cannot start: {error}")

broker_url = _settings.celery_broker_url
broker_use_ssl = _settings.broker_tls
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_transport_options = task_names.BROKER_OPTIONS

# The default exchange needs no binding table in Redis, so publishing survives a FLUSHALL.
# A worker that is told no queue serves both.
task_queues = [Queue(name, Exchange(""), routing_key=name) for name in (task_names.QUEUE, task_names.QUEUE_CHORES)]
task_default_queue = task_names.QUEUE
task_routes = {name: {"queue": task_names.QUEUE_CHORES} for name in task_names.CHORES}

task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]
timezone = "UTC"
enable_utc = True

worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
worker_send_task_events = True
worker_soft_shutdown_timeout = 3
task_send_sent_event = False

# A process that is frozen in a drain is replaced: PostgreSQL ends its transaction sooner, this ends the process.
task_annotations = {task_names.APPLY: {"time_limit": task_names.LONGEST_DRAIN_SECONDS}}

beat_schedule = {
    "sweep": {
        "task": task_names.SWEEP,
        "schedule": task_names.SWEEP_SECONDS,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
    "close": {
        "task": task_names.CLOSE,
        "schedule": task_names.CLOSE_SECONDS,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
    "rank": {
        "task": task_names.RANK,
        "schedule": task_names.RANK_SECONDS,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
    "verify": {
        "task": task_names.VERIFY,
        "schedule": task_names.VERIFY_SECONDS,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
    "snapshots": {
        "task": task_names.TAKE_SNAPSHOTS,
        "schedule": _settings.snapshot_minutes * 60.0,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
    "fill": {
        "task": task_names.FILL,
        "schedule": task_names.FILL_SECONDS,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
    "rarities": {
        "task": task_names.COUNT_RARITIES,
        "schedule": task_names.COUNT_RARITIES_SECONDS,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
    "tidy": {
        "task": task_names.TIDY,
        "schedule": task_names.TIDY_SECONDS,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
    "hours": {
        "task": task_names.COUNT_HOURS,
        "schedule": task_names.COUNT_HOURS_SECONDS,
        "options": {"expires": task_names.EXPIRES_SECONDS},
    },
}
