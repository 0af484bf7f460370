"""The beat job that keeps history: the head of each open board that has moved, at every due instant once.

Where a board stands is its epoch and seq in Redis, read before its standings: a move that the snapshot does not show
changes them later. What they were at the last snapshot is remembered in Redis too. Where that is lost, the head itself
is compared with the one that was stored last.
"""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from common.domain import periods
from common.domain.standing import BoardId
from common.postgres import snapshots
from common.redis_store import keys
from workers import pruning
from workers.state import WorkerState

log = structlog.get_logger(__name__)


def take_all(worker: WorkerState, now: datetime | None = None) -> None:
    """Store what has moved for the instant that is due, and delete snapshots past their age.

    Raises the last SQLAlchemyError once every board has been tried.
    """
    now = now or datetime.now(UTC)
    due = snapshots.due_at(now, worker.settings.snapshot_minutes)
    boards = sorted(worker.catalogue.current().boards)
    open_boards = [(board_id, period.id) for board_id in boards for period in periods.open_at(due)]
    taken = 0
    failure: SQLAlchemyError | None = None
    for board in open_boards:
        try:
            taken += _take(worker, board, due)
        except SQLAlchemyError as error:
            log.warning("snapshot_not_taken", board=board[0], period=board[1], detail=str(error)[:300])
            failure = error
    _forget_all_but(worker, open_boards)
    oldest = now - timedelta(days=worker.settings.snapshot_keep_days)
    pruned = pruning.prune(worker.engine, lambda connection, limit: snapshots.prune(connection, oldest, limit))
    log.info("snapshots_taken", taken=taken, pruned=pruned)
    if failure:
        raise failure


def _take(worker: WorkerState, board: BoardId, due: datetime) -> bool:
    """Whether a snapshot was stored."""
    state = worker.board.state_of(*board)
    shown = worker.redis.hget(keys.SNAPSHOTS, _name(board))
    if state and state == shown:
        return False
    with worker.engine.connect() as connection:
        if not snapshots.is_wanted(connection, *board):
            return False
    head = snapshots.read(worker.engine, *board)
    with worker.engine.begin() as connection:
        is_known = shown is None and snapshots.is_newest(connection, *board, head)
        is_stored = not is_known and snapshots.keep(connection, *board, due, head)
    if state and (is_known or is_stored):
        worker.redis.hset(keys.SNAPSHOTS, _name(board), state)
    return is_stored


def _forget_all_but(worker: WorkerState, boards: list[BoardId]) -> None:
    gone = set(worker.redis.hkeys(keys.SNAPSHOTS)) - {_name(board) for board in boards}
    if gone:
        worker.redis.hdel(keys.SNAPSHOTS, *gone)


def _name(board: BoardId) -> str:
    return ":".join(board)
