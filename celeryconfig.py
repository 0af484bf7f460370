"""Celery's configuration, for workers, beat, Flower and the web that rings. Read from the environment."""

import sys

from kombu import Exchange, Queue

from common import celery_settings, settings, tasks

try:
    _settings = celery_settings.load()
except settings.SettingsError as error:
    sys.exit(f"celery cannot start: {error}")

broker_url = _settings.celery_broker_url
broker_use_ssl = _settings.broker_tls
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_transport_options = tasks.BROKER_OPTIONS

# The default exchange needs no binding table in Redis, so publishing survives a FLUSHALL.
# A worker that is told no queue serves both.
task_queues = [Queue(name, Exchange(""), routing_key=name) for name in (tasks.QUEUE, tasks.QUEUE_CHORES)]
task_default_queue = tasks.QUEUE
task_routes = {name: {"queue": tasks.QUEUE_CHORES} for name in tasks.CHORES}

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
task_annotations = {tasks.APPLY: {"time_limit": tasks.LONGEST_DRAIN_SECONDS}}

beat_schedule = {
    "sweep": {
        "task": tasks.SWEEP,
        "schedule": tasks.SWEEP_SECONDS,
        "options": {"expires": tasks.EXPIRES_SECONDS},
    },
    "close": {
        "task": tasks.CLOSE,
        "schedule": tasks.CLOSE_SECONDS,
        "options": {"expires": tasks.EXPIRES_SECONDS},
    },
    "verify": {
        "task": tasks.VERIFY,
        "schedule": tasks.VERIFY_SECONDS,
        "options": {"expires": tasks.EXPIRES_SECONDS},
    },
    "snapshots": {
        "task": tasks.TAKE_SNAPSHOTS,
        "schedule": _settings.snapshot_minutes * 60.0,
        "options": {"expires": tasks.EXPIRES_SECONDS},
    },
    "tidy": {
        "task": tasks.TIDY,
        "schedule": tasks.TIDY_SECONDS,
        "options": {"expires": tasks.EXPIRES_SECONDS},
    },
}
