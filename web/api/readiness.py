"""The checks behind `/readyz`: a missing part stops the service, a degraded one needs the operator's attention."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import redis
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from common.domain.standing import BoardId
from common.postgres import engine as database
from common.postgres.catalogue import CatalogueCache
from common.redis_store import failing, held, keys
from common.redis_store.board import Board
from common.redis_store.chores_watch import ChoresWatch
from common.redis_store.client import Client
from common.redis_store.served_boards import ServedBoards
from common.services import sampling
from web.live.heartbeats import Heartbeats
from web.shared_reads import SharedReads

FRESH_SECONDS = 1.0
"""How long a report is reused, because the address is public and a check takes connections."""

UNSERVED_AFTER_SECONDS = 5.0
"""A start, a new period or a Redis that was emptied leaves boards unserved until the next sweep; that is no news."""

NAMED = 10
"""The greatest number of boards that are named; of more, only the number is given."""


@dataclass(frozen=True)
class Report:
    """The result of a check: the state of each needed part, and for each degraded part the reasons as sentences."""

    needed: dict[str, Literal["ok", "missing", "away"]]
    degraded: dict[str, list[str]] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """The parts without which the service is not ready."""
        return [name for name, state in self.needed.items() if state != "ok"]


class Readiness:
    """The checks of one web process."""

    def __init__(
        self, engine: Engine, client: Client, board: Board, catalogue: CatalogueCache, heartbeats: Heartbeats
    ) -> None:
        self._engine = engine
        self._client = client
        self._served = ServedBoards(board)
        self._catalogue = catalogue
        self._heartbeats = heartbeats
        self._chores_watch = ChoresWatch(client)
        self._unserved_since: dict[BoardId, float] = {}
        self._metrics_folder = sampling.folder()
        self._reports = SharedReads[str, Report](FRESH_SECONDS)

    def current(self) -> Report:
        """Return the last report, or a new one if that is over a second old. Simultaneous callers share one check."""
        return self._reports.get("all", self._check)

    def _check(self) -> Report:
        needed = {
            "postgresql": _state(self._has_postgresql),
            "redis": _state(self._has_redis),
            "worker": _state(lambda: bool(self._client.exists(keys.WORKER_SEEN))),
            "loops": _state(lambda: not self._heartbeats.stalled()),
        }
        report = Report(needed)
        if report.missing:
            return report
        try:
            degraded = {
                "boards": self._boards_not_served(),
                "tasks": self._tasks_failing(),
                "chores": self._chores_unattended(),
                "updates": self._updates_held(),
                "metrics": self._metrics_not_sampled(),
            }
            return Report(needed, degraded)
        except (redis.RedisError, SQLAlchemyError):
            return Report({**needed, "redis": "away"})

    def _has_postgresql(self) -> bool:
        database.ping(self._engine)
        return True

    def _has_redis(self) -> bool:
        """Check that Redis takes writes: a server that is full still answers a ping."""
        return bool(self._client.set(keys.READY, "1", px=1000))

    def _boards_not_served(self) -> list[str]:
        now = time.monotonic()
        unserved = self._served.find_unserved(self._catalogue.current().open_boards(datetime.now(UTC)))
        self._unserved_since = {board: self._unserved_since.get(board, now) for board in unserved}
        late = [board for board, since in self._unserved_since.items() if now - since >= UNSERVED_AFTER_SECONDS]
        return _named([f"{board} {period} is not served by Redis" for board, period in late])

    def _tasks_failing(self) -> list[str]:
        rows = failing.read(self._client, time.time())
        return _named([f"{row.name} has failed {row.times} times in a row ({row.reason})" for row in rows])

    def _updates_held(self) -> list[str]:
        reason = held.reason(self._client)
        return [f"accepted updates wait, for no fault of theirs: {reason}"] if reason else []

    def _chores_unattended(self) -> list[str]:
        if not self._chores_watch.is_unattended():
            return []
        return ["no worker serves the queue `chores`: nothing is verified, closed or stored as a snapshot"]

    def _metrics_not_sampled(self) -> list[str]:
        newest = sampling.newest(self._metrics_folder) if self._metrics_folder else None
        if newest is None:
            return []
        if time.time() - newest.at > sampling.LATE_AFTER_SECONDS:
            return ["the metrics of this machine are not sampled: the dashboard shows what was before"]
        return [f"samples of metrics are not stored in Redis: {newest.trouble}"] if newest.trouble else []


def _state(check: Callable[[], bool]) -> Literal["ok", "missing", "away"]:
    try:
        return "ok" if check() else "missing"
    except (redis.RedisError, SQLAlchemyError):
        return "away"


def _named(sentences: Sequence[str]) -> list[str]:
    rest = len(sentences) - NAMED
    return [*sentences[:NAMED], f"and {rest} more"] if rest > 0 else list(sentences)
