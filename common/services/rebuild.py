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
from collections.abc import Callable

import structlog
from sqlalchemy import Connection, Engine

from common.core import metrics
from common.postgres import catalogue, standings
from common.redis_store.board import ROWS_PER_CALL, script_values
from common.redis_store.client import Client, script
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

    def ensure_served(self, board_id: str, period_id: str) -> bool:
        """Rebuild the board unless Redis serves it. Returns False if somebody else is rebuilding it."""
        return self.is_served(board_id, period_id) or self.rebuild(board_id, period_id)

    def rebuild(self, board_id: str, period_id: str, progress: Callable[[int], None] | None = None) -> bool:
        """Rebuild a board. Returns False if another rebuild is under way, or took over when this one lost its lease.

        `progress` is called with the number of rows of each page.
        """
        of = BoardKeys(board_id, period_id)
        fence = secrets.token_hex(8)
        started = time.monotonic()
        with self._engine.connect() as connection:
            order, shared = catalogue.read_order(connection, board_id)
        board = [of.scores, of.members, of.meta, of.rebuilding]
        new = of.under_construction(fence)
        second = "" if order.second_ascending is None else int(order.second_ascending)
        run_id = self._begin(keys=board, args=[fence, LEASE_MS, int(order.ascending), second, int(shared)])
        if not run_id:
            return False
        try:
            with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
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
