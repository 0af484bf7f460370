"""The beat job that verifies: a few players each time, so that updates never wait for it, and in time everybody.

How far it has come, and what it found, stands in Redis; where that is lost, it begins anew.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

import orjson
import structlog

from common import keys, metrics, periods
from common.verification import Drift
from workers.state import WorkerState

log = structlog.get_logger(__name__)

BUDGET_SECONDS = 0.1
"""For a turn every ten seconds: one percent of a worker."""

LOOKS, PAUSE_SECONDS = 5, 0.02
"""What another worker has committed and not projected yet is right at the next look."""

TURNS_TO_SETTLE = 2
"""What a dead worker left behind is right after its redelivery, which takes less than two turns."""

_FIRST = str(UUID(int=0))


@dataclass
class Round:
    """A way through all players, and the last whole one's finding."""

    after: str = _FIRST
    turns: int = 0
    found: int = 0
    last_found: int = 0

    @classmethod
    def load(cls, worker: WorkerState) -> Self:
        stored = worker.redis.get(keys.VERIFICATION)
        return cls(**orjson.loads(str(stored))) if stored else cls()

    def save(self, worker: WorkerState) -> None:
        worker.redis.set(keys.VERIFICATION, orjson.dumps(self))
        metrics.DRIFT.set(max(self.found, self.last_found))


def verify_some(worker: WorkerState) -> None:
    """Check players until the turn's time is over, and show what differs as a metric and in the log."""
    deadline = time.monotonic() + BUDGET_SECONDS
    state = Round.load(worker)
    while time.monotonic() < deadline:
        user_ids = worker.verifier.players(state.after)
        if not user_ids:
            _end(worker, state)
            break
        drifts = _check(worker, user_ids)
        if drifts and state.turns < TURNS_TO_SETTLE:
            state.turns += 1
            break
        for drift in drifts:
            log.error("drift_found", where=drift.where, at=drift.key, expected=drift.expected, found=drift.found)
        state.found += len(drifts)
        state.after, state.turns = user_ids[-1], 0
        metrics.VERIFIED.inc(len(user_ids))
    state.save(worker)


def _check(worker: WorkerState, user_ids: list[str]) -> list[Drift]:
    drifts = worker.verifier.check(user_ids)
    for _ in range(LOOKS):
        if not drifts:
            break
        time.sleep(PAUSE_SECONDS)
        drifts = worker.verifier.check_again(drifts)
    return drifts


def _end(worker: WorkerState, state: Round) -> None:
    """Everybody was checked: count whom Redis shows without a standing, and begin anew."""
    for board_id in worker.catalogue.current().boards:
        for period in periods.open_at(datetime.now(UTC)):
            surplus = worker.verifier.surplus(board_id, period.id)
            state.found += surplus
            if surplus:
                log.error("surplus_found", board=board_id, period=period.id, players=surplus)
    state.after, state.last_found, state.found = _FIRST, state.found, 0
    metrics.VERIFIED_ROUNDS.inc()
