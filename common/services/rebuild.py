"""Rebuilding a board in Redis from PostgreSQL, while updates go on.

1. Begin: from now on Redis does not serve the board. Projections write to the keys under construction, each row guarded
   by its version.
2. Stage: read one snapshot of the standings, page by page, and write each page to the keys under construction, guarded
   by version too, since a projection may have been there first. What is committed after the snapshot is projected, and
   so reaches these keys or, after step 3, the board.
3. Commit: the keys under construction become the board under a new epoch.
4. Abort, if anything failed: the old board is served again, unless something was projected meanwhile, which it lacks.

The lease on `…:rebuilding` expires if the rebuilding process dies; the next rebuild begins anew, and the commit of the
dead one is refused. So is a commit on a server that was restarted since the rebuild began.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from redis.commands.core import Script
from sqlalchemy import Connection, Engine

from common.core import metrics
from common.domain.ranking import Order
from common.domain.standing import BoardId
from common.postgres import catalogue, standings, stored_boards
from common.redis_store.board import AT_ONCE, ROWS_PER_CALL, script_values
from common.redis_store.client import Client, call_all, script
from common.redis_store.keys import BoardKeys

log = structlog.get_logger(__name__)

LEASE_MS = 3_000
"""How long a rebuild may keep the board's lease; each page of rows renews it."""

SMALL = 5_000
"""The greatest number of players of a small board. A batch or a sweep rebuilds it in a tenth of a second or two; larger
boards are rebuilt by the chores' worker."""


class Rebuilder:
    """Rebuilds boards of one Redis server from one database."""

    def __init__(self, client: Client, engine: Engine) -> None:
        self._engine = engine
        self._client = client
        self._is_served = script(client, "is_served")
        self._begin = script(client, "begin_rebuild")
        self._stage = script(client, "stage_rebuild")
        self._commit = script(client, "commit_rebuild")
        self._abort = script(client, "abort_rebuild")

    def is_served(self, board_id: str, period_id: str) -> bool:
        """Return whether Redis serves this board: it is complete, and was filled on this very server."""
        of = BoardKeys(board_id, period_id)
        return bool(self._is_served(keys=[of.scores, of.members, of.meta]))

    def is_large(self, board_id: str, period_id: str) -> bool:
        """Return whether a rebuild takes too long to be waited for."""
        with self._engine.connect() as connection:
            return standings.has_more_than(connection, board_id, period_id, SMALL)

    def ensure_served(self, board_id: str, period_id: str, progress: Callable[[int], None] | None = None) -> bool:
        """Rebuild the board unless Redis serves it. Returns False if somebody else is rebuilding it.

        `progress` is as in `rebuild`.
        """
        return self.is_served(board_id, period_id) or self._rebuild(board_id, period_id, progress, spares_served=True)

    def rebuild(self, board_id: str, period_id: str, progress: Callable[[int], None] | None = None) -> bool:
        """Rebuild a board, served or not.

        Returns False if another rebuild is under way, or took over when this one lost its lease. So does an archived
        period, which stays in PostgreSQL alone.

        `progress` is called with the number of rows of each page.
        """
        return self._rebuild(board_id, period_id, progress, spares_served=False)

    def _rebuild(
        self, board_id: str, period_id: str, progress: Callable[[int], None] | None, *, spares_served: bool
    ) -> bool:
        of = BoardKeys(board_id, period_id)
        fence = secrets.token_hex(8)
        started = time.monotonic()
        with self._engine.connect() as connection:
            orders = catalogue.read_orders(connection, [board_id])
        board = _of_board(of)
        new = of.under_construction(fence)
        run_id = self._begin(keys=board, args=[fence, LEASE_MS, *_ordered(*orders[board_id]), int(spares_served)])
        if not run_id:
            return run_id is not None
        try:
            with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                if stored_boards.is_archived(connection, board_id, period_id):
                    return False
                rows = self._stage_all(connection, of, fence, progress)
            now = int(time.time() * 1000)
            committed = rows is not None and self._commit(
                keys=[*board, *new], args=[fence, secrets.token_hex(4), run_id, now]
            )
        finally:
            # After a commit this finds nothing; after a failure the old board, if it lacks nothing, is served again.
            self._abort(keys=[of.meta, of.rebuilding, *new], args=[fence])
        if not committed:
            return False
        metrics.REBUILDS.labels(board_id).inc()
        milliseconds = round((time.monotonic() - started) * 1000)
        log.info("board_rebuilt", board=board_id, period=period_id, rows=rows, milliseconds=milliseconds)
        return True

    def fill_empty(self, boards: Sequence[BoardId]) -> list[BoardId]:
        """Make those of these boards served that have no standings, many at a time, and return the others.

        Each goes the same way as in `rebuild`: what is committed after it has begun is projected, and so is not lost.
        """
        left: list[BoardId] = []
        for start in range(0, len(boards), AT_ONCE):
            some = boards[start : start + AT_ONCE]
            filled = self._fill_empty(some)
            left += [board for board in some if board not in filled]
        return left

    def _fill_empty(self, boards: Sequence[BoardId]) -> set[BoardId]:
        fence = secrets.token_hex(8)
        with self._engine.connect() as connection:
            orders = catalogue.read_orders(connection, {board_id for board_id, _ in boards})
            with_rows = standings.boards_with_rows(connection, boards)
        empty = [BoardKeys(*board) for board in boards if board not in with_rows]
        begun = self._call_for(
            self._begin, empty, lambda of: (4, *_of_board(of), fence, LEASE_MS, *_ordered(*orders[of.board_id]))
        )
        run_ids = dict(zip(empty, begun, strict=True))
        building = [of for of in empty if run_ids[of]]
        filled: set[BoardId] = set()
        try:
            with self._engine.connect() as connection:
                with_rows = standings.boards_with_rows(connection, [(of.board_id, of.period_id) for of in building])
            still_empty = [of for of in building if (of.board_id, of.period_id) not in with_rows]
            now, epoch = int(time.time() * 1000), secrets.token_hex(4)
            committed = self._call_for(
                self._commit,
                still_empty,
                lambda of: (7, *_of_board(of), *of.under_construction(fence), fence, epoch, str(run_ids[of]), now),
            )
            filled = {(of.board_id, of.period_id) for of, done in zip(still_empty, committed, strict=True) if done}
        finally:
            self._call_for(
                self._abort, building, lambda of: (5, of.meta, of.rebuilding, *of.under_construction(fence), fence)
            )
        for board_id, _ in filled:
            metrics.REBUILDS.labels(board_id).inc()
        log.info("empty_boards_filled", count=len(filled))
        return filled

    def _call_for(
        self, called: Script, boards: Sequence[BoardKeys], arguments: Callable[[BoardKeys], tuple[str | int, ...]]
    ) -> list[Any]:
        return call_all(self._client, called, [arguments(of) for of in boards]) if boards else []

    def _stage_all(
        self, connection: Connection, of: BoardKeys, fence: str, progress: Callable[[int], None] | None
    ) -> int | None:
        """Write all standings to the keys under construction. Returns their number; None if the lease was lost."""
        keys = [of.rebuilding, *of.under_construction(fence)]
        staged = 0
        for page in standings.stream(connection, of.board_id, of.period_id, ROWS_PER_CALL):
            if not self._stage(keys=keys, args=[fence, LEASE_MS, *script_values(page)]):
                return None
            staged += len(page)
            if progress:
                progress(len(page))
        return staged


def _of_board(of: BoardKeys) -> tuple[str, str, str, str]:
    return of.scores, of.members, of.meta, of.rebuilding


def _ordered(order: Order, shares_places: bool) -> tuple[int, int | str, int]:
    """Return the arguments by which the script `begin_rebuild` learns how a board is ordered."""
    second = "" if order.second_ascending is None else int(order.second_ascending)
    return int(order.ascending), second, int(shares_places)
