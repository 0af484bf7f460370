"""`/metrics` on the internal port: the metrics of every process of this machine, and the inbox depth as of now."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import redis
import structlog
from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, make_wsgi_app, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common.core.settings import Settings
from common.redis_store import keys
from common.redis_store.client import connect

log = structlog.get_logger(__name__)


class InboxDepth(Collector):
    """The depth of the inbox, read from Redis when the metrics are collected; absent while Redis is away."""

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings.redis_url, connections=2)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            depth = self._client.xlen(keys.INBOX)
        except redis.RedisError:
            return
        yield GaugeMetricFamily(
            "scoreboard_inbox_depth", "Accepted updates that no worker has acknowledged", value=depth
        )


_serving: list[WSGIServer] = []
"""The running server, kept here because a reload evaluates gunicorn's configuration again while the server runs on."""


def start(settings: Settings) -> None:
    """Serve the metrics in the background of gunicorn's master. If the port is in use, log that and go on."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client
    registry.register(InboxDepth(settings))
    application = _only_metrics(make_wsgi_app(registry))
    server = WSGIServer((settings.metrics_host, settings.metrics_port), application, log=None, error_log=None)
    try:
        server.start()
    except OSError as error:
        log.error("metrics_not_served", address=server.address, error=str(error))  # noqa: TRY400 - says it all
        return
    _serving.append(server)


def close_inherited() -> None:
    """Close, in a worker, the copy of the master's listening socket."""
    while _serving:
        _serving.pop().close()


def _only_metrics(metrics: Callable[..., Any]) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found\n"]

    return application
