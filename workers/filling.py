"""The chores of achievements: what happened before one was made, and how rare each is.

A turn of filling goes on for a few seconds, in slices of players that are transactions of their own, so it may die at
any line. A slice that takes too long changes nothing and is halved; only one that is a single player may take longer.
"""

import time

import structlog
from sqlalchemy import Engine

from common.core import metrics
from common.core.chunk_size import ChunkSize
from common.postgres import achievements, fills
from common.postgres.engine import TooSlowError, bounded_transaction
from common.postgres.fills import Slice
from common.services import unlock_news
from workers.failures import try_each
from workers.state import WorkerState

log = structlog.get_logger(__name__)

SLICE = ChunkSize(200, least=1, most=5_000)
"""The number of players of a slice."""

TURN_SECONDS = 5.0
TIMEOUT_MS, LONGEST_TIMEOUT_MS = 1_000, 20_000
"""The limits of one statement, of many players and of a single one."""


def fill_some(worker: WorkerState) -> None:
    """Fill achievements until the turn is over; the next turn goes on."""
    with worker.engine.connect() as connection:
        due = fills.due(connection)
    metrics.FILLS.set(len(due))
    deadline = time.monotonic() + TURN_SECONDS
    left = [done for done in try_each(due, lambda achievement: _fill(worker, achievement, deadline)) if not done]
    metrics.FILLS.set(len(left))


def count_rarities(worker: WorkerState) -> None:
    """Count who has each achievement, one after the other."""
    with worker.engine.connect() as connection:
        known = achievements.load(connection)
        players = achievements.count_players(connection) if known else 0

    def count(achievement_id: str) -> None:
        with worker.engine.begin() as connection:
            achievements.set_rarity(connection, achievement_id, players)

    try_each([achievement.id for achievement in known], count)


def _fill(worker: WorkerState, achievement_id: str, deadline: float) -> bool:
    """Fill an achievement until it is done, and return True, or until the deadline."""
    chunk = SLICE
    while time.monotonic() < deadline:
        started = time.monotonic()
        try:
            done = _slice(worker.engine, achievement_id, chunk)
        except TooSlowError:
            if chunk.is_smallest:
                raise
            log.warning("fill_too_slow", achievement=achievement_id, players=chunk.size, milliseconds=TIMEOUT_MS)
            chunk = chunk.halved()
            continue
        unlock_news.announce(worker.inbox, done.unlocked)
        unlock_news.count(worker.catalogue.current(), done.unlocked)
        if not done.players:
            log.info("achievement_filled", achievement=achievement_id)
            return True
        chunk = chunk.adapted(time.monotonic() - started, TIMEOUT_MS / 1000)
    return False


def _slice(engine: Engine, achievement_id: str, chunk: ChunkSize) -> Slice:
    timeout_ms = LONGEST_TIMEOUT_MS if chunk.is_smallest else TIMEOUT_MS
    with bounded_transaction(engine, timeout_ms) as connection:
        return fills.fill(connection, achievement_id, chunk.size)
