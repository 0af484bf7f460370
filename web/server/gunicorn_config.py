"""gunicorn's configuration: `gunicorn --config web/server/gunicorn_config.py web.server.wsgi:app`."""

from gevent import monkey

monkey.patch_all()  # before anything else is imported

import os  # noqa: E402
import resource  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402

_own_metrics_folder = ""
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    _own_metrics_folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="scoreboard-metrics-")

import structlog  # noqa: E402
from gunicorn.arbiter import Arbiter  # noqa: E402
from prometheus_client import multiprocess  # noqa: E402

from common.core import logging as our_logging  # noqa: E402
from common.core import settings as our_settings  # noqa: E402
from common.postgres import schema  # noqa: E402
from common.redis_store import client as redis_client  # noqa: E402
from web.server import gunicorn_peers, gunicorn_refusals, hashing, metrics_server, psycogevent, sampler  # noqa: E402
from web.server.gunicorn_worker import Worker  # noqa: E402

try:
    _settings = our_settings.load()
except our_settings.SettingsError as error:
    sys.exit(f"web cannot start: {error}")

log = structlog.get_logger(__name__)

_CONNECTIONS = _settings.live_max + 1000
_FILES = _CONNECTIONS + 500

bind = f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
workers = _settings.web_processes
worker_class = "web.server.gunicorn_worker.Worker"
worker_connections = _CONNECTIONS
backlog = 2048
timeout = 30
graceful_timeout = 5
keepalive = 75
max_requests = 0  # it would count upgrades
control_socket_disable = True
forwarded_allow_ips = ""  # SCOREBOARD_TRUSTED_PROXIES says whom to believe, not a default of all that is local
logger_class = "web.server.gunicorn_log.GunicornLog"
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 32 * 1024  # a token too long is to be refused by the API, not before it


def on_starting(server: Arbiter) -> None:
    """Configure, once in the master, the log and the number of open files that the viewers need."""
    del server
    our_logging.configure(_settings, "web")
    _refuse_unfit_servers()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard) if hard > 0 else _FILES, hard))
    if 0 < hard < _FILES:
        log.warning("too_few_open_files", found=hard, expected=_FILES, setting="SCOREBOARD_LIVE_MAX")


def _refuse_unfit_servers() -> None:
    checks = {
        "REDIS_URL": (redis_client.refuse_eviction, _settings.redis_url),
        "BROKER_URL": (redis_client.refuse_untrusted, _settings.broker_redis_url),
        "LIMITER_URL": (redis_client.refuse_untrusted, _settings.rate_limit_url),
    }
    for name, (refuse, url) in checks.items():
        try:
            refuse(url)
        except redis_client.UnfitServerError as error:
            sys.exit(f"web cannot start: {name}: {error}")
    try:
        schema.require_fit_at_start(_settings)
    except schema.MisfitError as error:
        sys.exit(f"web cannot start: DATABASE_URL: {error}")


def when_ready(server: Arbiter) -> None:
    """Serve, once in the master, the metrics of all processes on the internal port, and sample them."""
    del server
    metrics_server.start(_settings)
    sampler.start(_settings)


def post_fork(server: Arbiter, worker: Worker) -> None:
    del server
    metrics_server.close_inherited()
    sampler.close_inherited()
    psycogevent.install()
    gunicorn_refusals.install()
    gunicorn_peers.install()
    hashing.assign_hash_slot(worker.age)


def worker_exit(server: Arbiter, worker: Worker) -> None:
    """Close, in a worker after its last request, the connections of the viewers that are left."""
    del server
    worker.close_viewers()


def on_exit(server: Arbiter) -> None:
    """Remove, in the master at the very end, the folder of metrics that was made here."""
    del server
    if _own_metrics_folder:
        shutil.rmtree(_own_metrics_folder, ignore_errors=True)


def child_exit(server: Arbiter, worker: Worker) -> None:
    """Forget, in the master, the gauges of a process that has ended."""
    del server
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # prometheus-client
