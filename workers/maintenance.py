"""Maintenance: repair Redis where it has lost data, and remove what has expired."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import takewhile

import redis
import structlog

from common.core import metrics, task_names
from common.domain.boards import Ties
from common.domain.standing import BoardId
from common.postgres import sessions
from common.redis_store import failing, keys
from common.services import revocations, showing
from common.services.rebuild import LEASE_MS
from workers import closing, pruning
from workers.failures import try_each
from workers.state import WorkerState

log = structlog.get_logger(__name__)

ALIVE_SECONDS = 15
CHORES_ALIVE_SECONDS = 120
"""The lifetime of the mark; one chore may take this long, during which its worker does not renew the mark."""
CONSUMER_GONE_MS = 3_600_000
REPAIR_SECONDS = 1.0
"""The longest time for which a sweep rebuilds small boards, while updates wait."""

FEW = 20
"""So many boards are filled one by one. Of more, as at midnight, those without standings are made whole together."""

LEASE_POLL_SECONDS = 0.5
"""The seconds between two attempts to rebuild a board that another process is rebuilding."""

SYNC_SECONDS, SYNCS_AT_ONCE = 1.0, 200
"""The same for players whom Redis may show wrongly, and how many are looked up for it."""


def show_alive(worker: WorkerState, queue: str = task_names.QUEUE) -> None:
    """Set the mark that `/readyz` reads: a worker has run a task of this queue."""
    if queue == task_names.QUEUE_CHORES:
        worker.redis.set(keys.CHORES_SEEN, "1", ex=CHORES_ALIVE_SECONDS)
    else:
        worker.redis.set(keys.WORKER_SEEN, "1", ex=ALIVE_SECONDS)


def takes_turn(worker: WorkerState, task: str, seconds: float) -> bool:
    """Return whether a periodic task is due. Of a pile of its messages one runs, and the others are skipped."""
    return bool(worker.redis.set(keys.turn(task), "1", nx=True, px=int(seconds * 1000 / 2)))


def give_turn_back(worker: WorkerState, task: str) -> None:
    """Let a periodic task run again before it is due."""
    with suppress(redis.RedisError):
        worker.redis.delete(keys.turn(task))


def is_to_ring(worker: WorkerState) -> bool:
    """Return whether updates wait for which nobody has rung. With an empty inbox, nobody holds updates any more."""
    if not worker.inbox.depth():
        worker.drain.held_updates.end()
        return False
    return worker.inbox.acquire_doorbell()


def find_failing_chores(worker: WorkerState) -> list[str]:
    """Return the chores that have failed and are to be run again now, each at most once in a few seconds."""
    failed = {row.name.partition(":")[0] for row in failing.read(worker.redis, time.time())}
    chores = sorted(failed.intersection(task_names.CHORES))
    return [name for name in chores if takes_turn(worker, f"{name} again", task_names.AGAIN_SECONDS)]


def repair(worker: WorkerState) -> None:
    """Restore what Redis has lost: the consumer group, the small boards of all open periods, the revocations."""
    worker.inbox.open()
    rebuild_small_boards(worker)
    load_revocations(worker)


def load_revocations(worker: WorkerState) -> None:
    if not revocations.is_loaded(worker.redis):
        revocations.load_recent(worker.redis, worker.engine)
    revocations.catch_up(worker.redis, worker.engine)


def rebuild_small_boards(worker: WorkerState) -> bool:
    """Rebuild small boards that Redis does not serve. Returns True if some are left: large ones, or too many."""
    deadline = time.monotonic() + REPAIR_SECONDS

    def is_filled(board: BoardId) -> bool:
        if time.monotonic() > deadline or worker.rebuilder.is_large(*board):
            return False
        return worker.rebuilder.ensure_served(*board)

    unserved = _find_unserved(worker)
    if len(unserved) > FEW:
        unserved = worker.rebuilder.fill_empty(unserved)
    try:
        return not all(try_each(unserved, is_filled))
    finally:
        metrics.BOARDS_NOT_SERVED.set(len(_find_unserved(worker)) if unserved else 0)


def rebuild_boards(worker: WorkerState) -> None:
    """Rebuild every open board that Redis does not serve, however long it takes.

    One that another process is rebuilding is tried again until that one's lease is over, in case it is dead.
    """
    deadline = time.monotonic() + LEASE_MS / 1000 + LEASE_POLL_SECONDS

    def show_progress(_rows: int) -> None:
        show_alive(worker, task_names.QUEUE_CHORES)

    def rebuild(board: BoardId) -> bool:
        return worker.rebuilder.ensure_served(*board, show_progress)

    while not all(try_each(_find_unserved(worker), rebuild)) and time.monotonic() < deadline:
        time.sleep(LEASE_POLL_SECONDS)


def _find_unserved(worker: WorkerState) -> list[BoardId]:
    """Return the boards of all open periods that Redis does not serve."""
    catalogue = worker.catalogue.current()
    shared = {board.id for board in catalogue.boards.values() if board.ties is Ties.SHARED}
    return worker.served.find_unserved(catalogue.open_boards(datetime.now(UTC)), shared)


def show_changes(worker: WorkerState) -> None:
    """Bring Redis up to date with changes of players whose process died before it did so, for a second at most.

    Updates wait meanwhile; the next sweep goes on with those that are left.
    """
    with worker.engine.connect() as connection:
        pending = showing.pending(connection, SYNCS_AT_ONCE)
    deadline = time.monotonic() + SYNC_SECONDS
    in_time = takewhile(lambda _: time.monotonic() < deadline, pending)
    try_each(in_time, lambda user_id: showing.show(worker.engine, worker.board, worker.inbox, user_id))


def prune(worker: WorkerState) -> None:
    """Remove expired sessions, closed periods in Redis, and consumers that are gone."""
    now = datetime.now(UTC)
    pruned = pruning.prune(worker.engine, lambda connection, limit: sessions.prune(connection, now, limit))
    closing.release_old(worker, now)
    worker.inbox.forget_idle_consumers(CONSUMER_GONE_MS)
    log.info("tidied", sessions=pruned)
