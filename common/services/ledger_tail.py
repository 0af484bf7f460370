"""How far the ledger may be read by whoever follows it: the watermark.

It is an id up to which every row is committed or never will be. A process takes it anew when a reader has come so far,
once a second at most, and waits for the batches that are under way at that moment; no batch waits for a reader. While
one of them does not end, the watermark stays where it was, and is at least the ledger's checkpoint (ADR 36).
"""

import time
from collections.abc import Callable
from threading import Lock

from sqlalchemy import Engine

from common.postgres import ledger_tail
from common.postgres.checkpoint import Checkpoint
from common.postgres.ledger_tail import TailEvent

FRESH_SECONDS = 1.0
PATIENCE_SECONDS = 0.5
"""How long a reader waits for the batches that are under way."""


class LedgerTail:
    """The ledger as the readers of one process follow it."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._watermark = 0
        self._taken_at = float("-inf")
        self._taking = Lock()

    def read(self, after: int, limit: int) -> list[TailEvent]:
        """Return the next `limit` rows after an id, in order; fewer only if no more are settled.

        Whoever goes on after the last one that they were given gets every row once.
        """
        if after + limit > self._watermark:
            self._take()
        with self._engine.connect() as connection:
            return ledger_tail.page(connection, after, self._watermark, limit)

    def _take(self) -> None:
        """Take the watermark anew, unless that was done a moment ago. It never goes back."""
        with self._taking:
            if self._clock() - self._taken_at < FRESH_SECONDS:
                return
            ledger = Checkpoint(self._engine)
            settled = ledger.find_stable_id(PATIENCE_SECONDS) or ledger.included()
            self._watermark = max(self._watermark, settled)
            self._taken_at = self._clock()
