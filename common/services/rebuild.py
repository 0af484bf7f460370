"""Fill a board in Redis again from PostgreSQL, while updates go on.

1. Fence: from here on nobody reads the board. What is projected to it goes to new keys, each row guarded by version.
2. Read one snapshot of the standings, page by page. What was committed before it is in it; what is committed later is
   projected, and so comes to the new keys or, after the switch, to the board.
3. Gather the pages under the new keys, guarded by version too, since a projection may have been there first.
4. Commit: the staged keys become the board under a new epoch, and the fence is removed with the old meta.

A rebuild that fails gives the old board back, unless something was projected meanwhile, which the old board lacks.
The lease on `…:rebuilding` expires if the rebuilder dies; the next one fences anew, and the dead one's switch
is refused. A server that was restarted in between is another server, and the switch is refused too.
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

LEASE_MS = 5_000
"""Renewed with every page of rows."""

SMALL = 5_000
"""Players up to which a board is rebuilt by whoever needs it, in a tenth of a second or two. Larger ones are rebuilt
where nothing waits for them."""


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
        """Whether a rebuild takes too long for anybody to wait for it."""
        with self._engine.connect() as connection:
            return standings.has_more_than(connection, board_id, period_id, SMALL)

    def ensure_served(self, board_id: str, period_id: str) -> bool:
        """Rebuild the board unless Redis serves it. Returns False if somebody else is rebuilding it."""
        return self.is_served(board_id, period_id) or self.rebuild(board_id, period_id)

    def rebuild(self, board_id: str, period_id: str, progress: Callable[[int], None] | None = None) -> bool:
        """Fill a board anew. Returns False if another rebuild is under way, or took over when this one lost its lease.

        `progress` is told the number of rows of each page.
        """
        of = BoardKeys(board_id, period_id)
        fence = secrets.token_hex(8)
        started = time.monotonic()
        with self._engine.connect() as connection:
            ascending = int(catalogue.is_ascending(connection, board_id))
        board = [of.scores, of.members, of.meta, of.rebuilding]
        new = of.under_construction(fence)
        run_id = self._begin(keys=board, args=[fence, LEASE_MS, ascending])
        if not run_id:
            return False
        try:
            with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                rows = self._stage_all(connection, of, fence, progress)
            now = int(time.time() * 1000)
            switched = rows is not None and self._commit(
                keys=[*board, *new], args=[fence, secrets.token_hex(4), run_id, now]
            )
        finally:
            # After a switch there is nothing left of ours; after a failure an unharmed old board serves again.
            self._abort(keys=[of.meta, of.rebuilding, *new], args=[fence])
        if not switched:
            return False
        metrics.REBUILDS.labels(board_id).inc()
        milliseconds = round((time.monotonic() - started) * 1000)
        log.info("board_rebuilt", board=board_id, period=period_id, rows=rows, milliseconds=milliseconds)
        return True

    def _stage_all(
        self, connection: Connection, of: BoardKeys, fence: str, progress: Callable[[int], None] | None
    ) -> int | None:
        """How many rows stand under the new keys; None if the lease was lost."""
        keys = [of.rebuilding, *of.under_construction(fence)]
        staged = 0
        for page in standings.stream(connection, of.board_id, of.period_id, ROWS_PER_CALL):
            if not self._stage(keys=keys, args=[fence, LEASE_MS, *script_values(page)]):
                return None
            staged += len(page)
            if progress:
                progress(len(page))
        return staged
