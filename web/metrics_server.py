"""`/metrics` on the internal port: the metrics of every process of this machine, and the inbox depth as of now."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import gevent
import redis
import structlog
from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, make_wsgi_app, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common import keys
from common.redis import connect
from common.settings import Settings

log = structlog.get_logger(__name__)


class InboxDepth(Collector):
    """Read when it is asked for: a worker that is away cannot tell. Absent while Redis is."""

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings.redis_url, connections=2)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            depth = self._client.xlen(keys.INBOX)
        except redis.RedisError:
            return
        yield GaugeMetricFamily("scoreboard_inbox_depth", "Accepted updates that no worker has settled", value=depth)


class MetricsServer:
    """An HTTP server in gunicorn's master. A worker is a fork of the master, and must leave it alone."""

    def __init__(self, settings: Settings) -> None:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client
        registry.register(InboxDepth(settings))
        application = _only_metrics(make_wsgi_app(registry))
        address = (settings.metrics_host, settings.metrics_port)
        self._server = WSGIServer(address, application, log=None, error_log=None)
        self._owner = os.getpid()

    def start(self) -> None:
        """Serve in the background. A port in use is said once and ends nothing else."""
        gevent.spawn(self._serve)

    def leave(self) -> None:
        """In a worker: close the copy of the listening socket that came with the fork."""
        if self._server.started:
            self._server.close()

    def _serve(self) -> None:
        if os.getpid() != self._owner:
            return  # forked before this greenlet had its first turn
        try:
            self._server.serve_forever()
        except OSError:
            log.exception("metrics_not_served", address=self._server.address)


def _only_metrics(metrics: Callable[..., Any]) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found\n"]

    return application
