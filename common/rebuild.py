"""Fill a board in Redis again from PostgreSQL, while updates go on.

1. Fence: from here on every projection to this board is refused (and repeated later), and nobody reads it.
2. Read one snapshot of the standings. What was committed before is in it; what is committed later will be
   projected after the switch, guarded by version.
3. Gather the rows under new keys.
4. Switch the keys in under a new epoch; the fence falls with the old meta.

The lease on `…:rebuilding` expires if the rebuilder dies; the next one fences anew, and the dead one's switch
is refused. A server that was restarted in between is another server, and the switch is refused too.
"""

import secrets
import time
from collections.abc import Callable

import structlog
from sqlalchemy import Connection, Engine

from common import catalogue, metrics, standings
from common.board import ROWS_PER_CALL, flat
from common.keys import BoardKeys
from common.redis import Client, script

log = structlog.get_logger(__name__)

LEASE_MS = 5_000
"""Renewed with every page of rows."""


class Rebuilder:
    """Rebuilds boards of one Redis server from one database."""

    def __init__(self, client: Client, engine: Engine) -> None:
        self._engine = engine
        self._is_served = script(client, "serving", "is_served")
        self._fence = script(client, "fence")
        self._gather = script(client, "order", "gather")
        self._switch = script(client, "switch")
        self._give_up = script(client, "give_up")

    def is_served(self, board_id: str, period_id: str) -> bool:
        """Whether Redis shows this board, whole and of its own."""
        of = BoardKeys(board_id, period_id)
        return bool(self._is_served(keys=[of.scores, of.members, of.meta]))

    def ensure_served(self, board_id: str, period_id: str) -> bool:
        """Rebuild the board if Redis does not show it. False if somebody else is at it."""
        return self.is_served(board_id, period_id) or self.rebuild(board_id, period_id)

    def rebuild(self, board_id: str, period_id: str, progress: Callable[[int], None] | None = None) -> bool:
        """False if another rebuild is under way, or took over because this one lost its lease.

        `progress` is told the number of rows of each page.
        """
        of = BoardKeys(board_id, period_id)
        fence = secrets.token_hex(8)
        started = time.monotonic()
        run_id = self._fence(keys=[of.meta, of.rebuilding], args=[fence, LEASE_MS])
        if not run_id:
            return False
        new_scores, new_members = of.under_construction(fence)
        try:
            with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                hidden = [value for row in standings.hidden(connection, board_id, period_id) for value in row]
                ascending = int(catalogue.is_ascending(connection, board_id))
                rows = self._gather_all(connection, of, (fence, LEASE_MS, ascending), progress)
            switched = rows is not None and self._switch(
                keys=[of.scores, of.members, of.meta, of.rebuilding, new_scores, new_members],
                args=[fence, secrets.token_hex(4), run_id, int(time.time() * 1000), ascending, *hidden],
            )
        finally:
            # After a switch there is nothing left of ours; after a failure an unharmed old board serves again.
            self._give_up(keys=[of.meta, of.rebuilding, new_scores, new_members], args=[fence])
        if not switched:
            return False
        metrics.REBUILDS.labels(board_id).inc()
        milliseconds = round((time.monotonic() - started) * 1000)
        log.info("board_rebuilt", board=board_id, period=period_id, rows=rows, milliseconds=milliseconds)
        return True

    def _gather_all(
        self,
        connection: Connection,
        of: BoardKeys,
        arguments: tuple[str, int, int],
        progress: Callable[[int], None] | None,
    ) -> int | None:
        """How many rows stand under the new keys; None if the lease was lost. Each call has the same `arguments`."""
        under_construction = of.under_construction(arguments[0])
        gathered = 0
        for page in standings.stream(connection, of.board_id, of.period_id, ROWS_PER_CALL):
            if not self._gather(keys=[of.rebuilding, *under_construction], args=[*arguments, *flat(page)]):
                return None
            gathered += len(page)
            if progress:
                progress(len(page))
        return gathered
