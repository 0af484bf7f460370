"""The sampler: every ten seconds it puts what the metrics of this machine have counted where the dashboard finds it.

It runs beside the programs that serve, in a process that answers no requests, and in one process of a machine: whoever
holds the lock in the folder of the metrics. A sample goes into a file of that folder, from which the web of this
machine shows what happens now, also while Redis is away; and into Redis, where the last hours of all machines are.
It never fails in silence: a turn that fails is logged, and `/readyz` tells of samples that stay away.
"""

import fcntl
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson
import redis
import structlog

from common.core import metric_readings, metrics, task_names
from common.core.settings import Settings
from common.domain import metric_samples
from common.domain.inbox_entries import accepted_at
from common.domain.metric_samples import OF_REDIS, Reading, Sample
from common.redis_store import keys, samples
from common.redis_store.client import Client, connect

log = structlog.get_logger(__name__)

EVERY_SECONDS = 10
LATE_AFTER_SECONDS = 60.0
"""A sampler that has written nothing for so long is told of."""

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_FILE, _LOCK = "sample.json", "sample.lock"


@dataclass(frozen=True)
class Newest:
    """The last sample of this machine. `at` is in Unix seconds, by this machine; `trouble` says why Redis lacks it.

    There is no sample before the second turn.
    """

    at: float
    sample: Sample | None
    trouble: str | None


def folder() -> Path | None:
    """Return the folder of the metrics of this machine; None where no process shares its metrics."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def newest(folder: Path) -> Newest | None:
    """Return the last sample of this machine; None if no sampler has ever begun here."""
    try:
        stored = orjson.loads((folder / _FILE).read_bytes())
        sample = metric_samples.from_wire(stored["sample"]) if stored["sample"] else None
        return Newest(float(stored["at"]), sample, stored["trouble"])
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError) as error:
        return Newest(0.0, None, type(error).__name__)


def machine_name(port: int | None) -> str:
    """Return the name of the programs that share a folder of metrics, by the port on which they are served."""
    return f"{socket.gethostname()}:{port}"


class Sampler:
    """The sampler of one folder of metrics. `turn` does nothing while another process samples it."""

    def __init__(self, settings: Settings, folder: Path, machine: str) -> None:
        self._folder = folder
        self._machine = machine
        self._kept = timedelta(hours=settings.metrics_hours)
        self._redis = connect(settings.redis_url, connections=2)
        self._broker = connect(settings.broker_redis_url, connections=2)
        self._lock: int | None = None
        self._before: Reading | None = None
        self._trouble: str | None = None

    def turn(self) -> None:
        """Take a sample, if this is the process that does. Raises OSError if the folder cannot be written."""
        if not self._is_mine():
            return
        reading = self._read()
        before, self._before = self._before, reading
        sample = metric_samples.between(before, reading) if before else None
        if sample:
            self._store(sample)
        self._write(sample)
        metrics.SAMPLED.set_to_current_time()

    def close_inherited(self) -> None:
        """Close, in a child process, the copy of the lock, which stays the parent's."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _is_mine(self) -> bool:
        if self._lock is not None:
            return True
        descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def _read(self) -> Reading:
        counts, buckets, gauges = metric_readings.read(self._folder)
        for ask in (_of_inbox, _of_chores):
            try:
                further_counts, further_gauges = ask(self._broker if ask is _of_chores else self._redis)
            except redis.RedisError:
                continue  # what is not known is left out; `_store` tells of a Redis that is away
            counts |= further_counts
            gauges |= further_gauges
        return Reading(time.monotonic(), counts, buckets, gauges)

    def _store(self, sample: Sample) -> None:
        trouble = None
        try:
            samples.add(self._redis, self._machine, sample, self._kept)
        except redis.RedisError as error:
            trouble = type(error).__name__
        if trouble and trouble != self._trouble:
            log.warning("samples_not_stored", reason=trouble)
        self._trouble = trouble

    def _write(self, sample: Sample | None) -> None:
        wire = metric_samples.to_wire(sample) if sample else None
        written = self._folder / f"{_FILE}.{os.getpid()}"
        written.write_bytes(orjson.dumps({"at": time.time(), "sample": wire, "trouble": self._trouble}))
        written.replace(self._folder / _FILE)


def run(sampler: Sampler, sleep: Callable[[float], object]) -> None:
    """Take samples for ever, in the middle of every span of ten seconds, so that those of all machines go together."""
    failed = ""
    while True:
        try:
            sampler.turn()
        except Exception as error:  # nothing may end it
            if type(error).__name__ != failed:
                log.exception("metrics_not_sampled")
            failed = type(error).__name__
        else:
            failed = ""
        sleep(_until_next(time.time()))


def _until_next(now: float) -> float:
    return EVERY_SECONDS - (now - EVERY_SECONDS / 2) % EVERY_SECONDS


def _of_inbox(client: Client) -> tuple[dict[str, float], dict[str, float]]:
    """Return how many entries the inbox has ever had, how many it has, and the age of the oldest in seconds."""
    if not client.exists(keys.INBOX):
        return {}, {"depth": 0.0}
    inbox = client.xinfo_stream(keys.INBOX)
    gauges = {"depth": float(inbox["length"])}
    if first := inbox["first-entry"]:
        seconds, microseconds = client.time()
        since = accepted_at(*first).timestamp()
        gauges["oldest"] = max(0.0, round(seconds + microseconds / 1e6 - since, 3))
    return {f"{OF_REDIS}accepted": float(inbox["entries-added"])}, gauges


def _of_chores(client: Client) -> tuple[dict[str, float], dict[str, float]]:
    """Return how many messages wait in the queue of chores."""
    return {}, {"chores": float(client.llen(task_names.QUEUE_CHORES))}
