"""The chore that stores snapshots: the head of each open board that has changed, once for every due instant.

A board's epoch and seq in Redis are read before its standings, so that a change which the snapshot lacks changes them
later. Those of the last snapshot are stored in Redis too. If they are lost, the head is compared with the last stored
one.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from common.domain.standing import BoardId
from common.postgres import snapshots
from common.redis_store import keys
from workers import pruning
from workers.state import WorkerState

log = structlog.get_logger(__name__)


def take_all(worker: WorkerState, now: datetime | None = None) -> None:
    """Store snapshots of the boards that have changed, for the instant that is due, and thin old snapshots.

    Raises the last SQLAlchemyError once every board has been tried.
    """
    now = now or datetime.now(UTC)
    due = snapshots.due_at(now, worker.settings.snapshot_minutes)
    open_boards = worker.catalogue.current().open_boards(due)
    _, states = worker.board.states_of(open_boards)
    shown = {str(field): str(state) for field, state in worker.redis.hgetall(keys.SNAPSHOTS).items()}
    taken = 0
    failure: SQLAlchemyError | None = None
    changed = {board: state for board, state in states.items() if not state or state != shown.get(_field(board))}
    for board, state in _of_wanted(worker, changed).items():
        try:
            taken += _take(worker, board, due, state, shown.get(_field(board)))
        except SQLAlchemyError as error:
            log.warning("snapshot_not_taken", board=board[0], period=board[1], detail=str(error)[:300])
            failure = error
    _forget_all_but(worker, open_boards)
    log.info("snapshots_taken", taken=taken, pruned=_thin(worker, now))
    if failure:
        raise failure


def _of_wanted(worker: WorkerState, changed: Mapping[BoardId, str | None]) -> dict[BoardId, str | None]:
    """Return those that have standings which may still change.

    The states of the others are remembered too, so that they are not asked about until their first standing moves them.
    """
    with worker.engine.connect() as connection:
        wanted = snapshots.wanted(connection, list(changed)) if changed else set()
    others = {_field(board): state for board, state in changed.items() if board not in wanted and state}
    if others:
        worker.redis.hset(keys.SNAPSHOTS, items=[part for field in others.items() for part in field])
    return {board: state for board, state in changed.items() if board in wanted}


def _take(worker: WorkerState, board: BoardId, due: datetime, state: str | None, shown: str | None) -> bool:
    """Store a snapshot of a board that has changed, and return whether one was stored.

    `state` is what Redis said of the board, and `shown` what it said at the last snapshot, if any.
    """
    head = snapshots.read(worker.engine, *board)
    with worker.engine.begin() as connection:
        is_known = shown is None and snapshots.is_newest(connection, *board, head)
        is_stored = not is_known and snapshots.store(connection, *board, due, head)
    if state and (is_known or is_stored):
        worker.redis.hset(keys.SNAPSHOTS, _field(board), state)
    return is_stored


def _forget_all_but(worker: WorkerState, boards: Iterable[BoardId]) -> None:
    gone = set(worker.redis.hkeys(keys.SNAPSHOTS)) - {_field(board) for board in boards}
    if gone:
        worker.redis.hdel(keys.SNAPSHOTS, *gone)


def _thin(worker: WorkerState, now: datetime) -> int:
    """Keep of the days that are older than `SCOREBOARD_SNAPSHOT_KEEP_DAYS` the last snapshot; return how many are gone.

    Some are looked at in each transaction, so that no statement grows with how many have gathered.
    """
    oldest = now - timedelta(days=worker.settings.snapshot_keep_days)
    midnight = oldest.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    deleted = 0

    def look_at(connection: Connection, limit: int) -> int:
        nonlocal deleted
        thinned = snapshots.thin(connection, midnight, limit)
        deleted += thinned.deleted
        return thinned.looked_at

    pruning.prune(worker.engine, look_at)
    return deleted


def _field(board: BoardId) -> str:
    return ":".join(board)
