"""The chore that verifies: it checks some players in each turn, and all of them in time.

A turn first advances the ledger's checkpoint, then checks players until its time is over. Each statement has a short
time limit; a slice that takes longer is halved. The position, the sizes and the results are stored in Redis; if they
are lost, the round begins anew.
"""

import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

import orjson
import structlog

from common.core import metrics
from common.postgres import checkpoint
from common.postgres.engine import TooSlowError
from common.redis_store import keys
from common.services import verification
from common.services.verification import LONGEST_TAIL, Drift
from workers.state import WorkerState

log = structlog.get_logger(__name__)

FOLLOW_SECONDS, CHECK_SECONDS = 5.0, 1.0
"""The longest times for the two halves of a turn. The first needs far less, except when a ledger is read for the first
time."""

TIMEOUT_MS = 500
"""The limit of one statement."""

STALLED_AFTER_TURNS = 20
"""The number of turns in a row without progress that is an error."""

MAX_CHECKS, PAUSE_SECONDS = 5, 0.02
"""A difference is checked again so often: another worker may have committed a standing and not projected it yet."""

TURNS_BEFORE_REPORT = 2
"""Drifts are reported after this many turns, because the redelivery of a dead worker's entries takes less."""

_FIRST = str(UUID(int=0))


class StalledError(Exception):
    """Many turns in a row made no progress."""


@dataclass
class Round:
    """A round through all players, and the number of drifts that the last complete round found."""

    after: str = _FIRST
    turns: int = 0
    found: int = 0
    last_found: int = 0
    players: int = verification.SLICE.size
    rows: int = checkpoint.CHUNK.size
    barren: int = 0

    @classmethod
    def load(cls, worker: WorkerState) -> Self:
        """Return the state that an earlier turn stored, of this version or another."""
        stored = worker.redis.get(keys.VERIFICATION)
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in orjson.loads(str(stored or "{}")).items() if name in known})

    def save(self, worker: WorkerState) -> None:
        worker.redis.set(keys.VERIFICATION, orjson.dumps(self))
        metrics.DRIFT.set(max(self.found, self.last_found))


def verify_some(worker: WorkerState) -> None:
    """Check players until the time of the turn is over, and report drifts as a metric and in the log.

    Raises StalledError if this turn and many before it came to nothing.
    """
    state = Round.load(worker)
    lag = _advance_checkpoint(worker, state)
    metrics.CHECKPOINT_LAG.set(lag)
    if lag > LONGEST_TAIL:
        log.warning("checkpoint_behind", ids=lag)
    deadline = time.monotonic() + CHECK_SECONDS
    while lag <= LONGEST_TAIL and time.monotonic() < deadline and _check_slice(worker, state):
        pass
    state.save(worker)
    if state.barren >= STALLED_AFTER_TURNS:
        raise StalledError(f"{state.barren} turns without progress; the checkpoint is {lag} ledger ids behind")


def _advance_checkpoint(worker: WorkerState, state: Round) -> int:
    """Advance the checkpoint, and return how far it is behind the ledger."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    follower = worker.verifier.checkpoint
    state.barren += 1  # reset by the first progress
    lag = follower.lag()
    if not lag:
        return 0
    most, to = follower.find_stable_id(), 0
    while to < most and time.monotonic() < deadline:
        try:
            to, chunk = follower.step(most, checkpoint.CHUNK._replace(size=state.rows), TIMEOUT_MS)
        except TooSlowError:
            log.warning("checkpoint_too_slow", rows=state.rows, milliseconds=TIMEOUT_MS)
            break
        state.rows = chunk.size
        state.barren = 0 if to else state.barren
    return follower.lag()


def _check_slice(worker: WorkerState, state: Round) -> bool:
    """Check the next players. Returns False if this turn has nothing more to do."""
    chunk = verification.SLICE._replace(size=state.players)
    started = time.monotonic()
    user_ids = worker.verifier.players(state.after, chunk.size)
    if not user_ids:
        _end(worker, state)
        return False
    try:
        drifts = _check(worker, user_ids)
    except TooSlowError:
        log.warning("verification_too_slow", players=len(user_ids), milliseconds=TIMEOUT_MS)
        state.players = chunk.halved().size
        return not chunk.is_smallest
    state.players = chunk.adapted(time.monotonic() - started, TIMEOUT_MS / 1000).size
    state.barren = 0
    if drifts and state.turns < TURNS_BEFORE_REPORT:
        state.turns += 1
        return False
    for drift in drifts:
        log.error("drift_found", where=drift.where, at=drift.key, expected=drift.expected, found=drift.found)
    state.found += len(drifts)
    state.after, state.turns = user_ids[-1], 0
    metrics.VERIFIED.inc(len(user_ids))
    return True


def _check(worker: WorkerState, user_ids: list[str]) -> list[Drift]:
    drifts = worker.verifier.check(user_ids, TIMEOUT_MS)
    for _ in range(MAX_CHECKS):
        if not drifts:
            break
        time.sleep(PAUSE_SECONDS)
        drifts = worker.verifier.check_again(drifts, TIMEOUT_MS)
    return drifts


def _end(worker: WorkerState, state: Round) -> None:
    """End a round: count the players that Redis shows without a standing, and begin anew."""
    boards = worker.catalogue.current().open_boards(datetime.now(UTC))
    for (board_id, period_id), surplus in worker.verifier.surpluses(boards).items():
        state.found += surplus
        log.error("surplus_found", board=board_id, period=period_id, players=surplus)
    state.after, state.last_found, state.found, state.barren = _FIRST, state.found, 0, 0
    metrics.VERIFIED_ROUNDS.inc()
