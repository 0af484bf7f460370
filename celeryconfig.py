"""Celery's configuration, for workers, beat, Flower and the web that rings. Read from the environment."""

import sys

from kombu import Exchange, Queue

from common import celery_settings, settings, tasks

try:
    _settings = celery_settings.load()
except settings.SettingsError as error:
    sys.exit(f"celery cannot start: {error}")

broker_url = _settings.celery_broker_url
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_transport_options = tasks.BROKER_OPTIONS

# The default exchange needs no binding table in Redis, so publishing survives a FLUSHALL.
task_queues = [Queue(tasks.QUEUE, Exchange(""), routing_key=tasks.QUEUE)]
task_default_queue = tasks.QUEUE

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

beat_schedule = {
    "sweep": {
        "task": tasks.SWEEP,
        "schedule": tasks.SWEEP_SECONDS,
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
