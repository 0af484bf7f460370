"""The sampler beside gunicorn's master, which answers no requests but those for metrics."""

import gevent
from gevent import Greenlet

from common.core.settings import Settings
from common.services import sampling
from common.services.sampling import Sampler

_running: "list[tuple[Sampler, Greenlet[..., None]]]" = []


def start(settings: Settings) -> None:
    """Sample the metrics of this machine in the background of gunicorn's master."""
    folder = sampling.folder()
    if folder is None:
        raise RuntimeError("gunicorn's configuration names a folder of metrics")
    sampler = Sampler(settings, folder, sampling.machine_name(settings.metrics_port))
    _running.append((sampler, gevent.spawn(sampling.run, sampler, gevent.sleep)))


def close_inherited() -> None:
    """End, in a worker, the copy of the master's sampler: a fork copies what sleeps in it, too."""
    while _running:
        sampler, loop = _running.pop()
        loop.kill(block=False)
        sampler.close_inherited()
