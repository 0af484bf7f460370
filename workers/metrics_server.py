"""`/metrics` of a worker that shares no folder with a web process, as in a container of its own, and its samples."""

import threading
import time

import structlog
from prometheus_client import CollectorRegistry, multiprocess, start_http_server

from common.core.settings import Settings
from common.services import sampling
from common.services.sampling import Sampler

log = structlog.get_logger(__name__)


def start(settings: Settings) -> None:
    """Serve and sample the metrics of this worker's processes if a port is set. Beside a web process, that one does."""
    if settings.worker_metrics_port is None:
        return
    folder = sampling.folder()
    if folder is None:
        log.error("metrics_not_served", reason="PROMETHEUS_MULTIPROC_DIR names no folder")
        return
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client
    try:
        start_http_server(settings.worker_metrics_port, settings.metrics_host, registry)
    except OSError as error:
        # Another worker of this machine may have the port; it serves the same folder.
        log.warning("metrics_not_served", reason=str(error), port=settings.worker_metrics_port)
    sampler = Sampler(settings, folder, sampling.machine_name(settings.worker_metrics_port))
    threading.Thread(target=sampling.run, args=(sampler, time.sleep), name="sampler", daemon=True).start()
