"""Drain the inbox: read, apply, linger while more comes, and leave when it is quiet.

The doorbell protocol: whoever accepts rings when no doorbell is outstanding. A drain that is awake hushes the
doorbell, clears it before its last read, and so either sees an update or is rung again for it. A doorbell of long ago,
one of a pile that a worker finds that was away, meets an empty inbox and costs next to nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from common.inbox import Inbox
from common.inbox_entries import Delivery, Garbled
from workers.batches import Batches

BATCH = 500
LINGER_MS = 50
PACE_SECONDS = 0.01
"""Between batches under load: more gather meanwhile, which spares everybody's CPU. A lone update never waits."""

BUSY_FROM = 8
"""Updates in a batch from which the inbox counts as busy."""

LONGEST_SECONDS = 5.0
"""A drain hands the process back after this, so that sweeps and snapshots get their turn."""

ABANDONED_MS = 4_000
"""An entry that was delivered this long ago and never settled belongs to a worker that died, or may as well: one that
only was slow applies it too, and it counts once."""

RETRY_MS = 1_000
"""After which anybody may try again what has failed on its data; whoever had it need not be next to be rung for."""


@dataclass(frozen=True)
class Drain:
    """One worker process' way through the inbox. `consumer` is its name in the consumer group."""

    inbox: Inbox
    batches: Batches
    consumer: str

    def run(self) -> bool:
        """Apply what is there. True if time ran out with more to do: ring again."""
        deadline = time.monotonic() + LONGEST_SECONDS
        lingers = self.inbox.clear_doorbell()
        self._take_over()
        while time.monotonic() < deadline:
            entries = self.inbox.read(self.consumer, BATCH)
            if not entries and lingers:
                entries = self._linger()
            if not entries:
                return False
            lingers = True
            self._apply(entries)
            if BUSY_FROM <= len(entries) < BATCH:
                time.sleep(PACE_SECONDS)
        self.inbox.clear_doorbell()
        return self.inbox.depth() > 0

    def _take_over(self) -> None:
        """Finish what this process left behind in an earlier drain, and what dead workers did."""
        for owner, idle_ms in ((self.consumer, 0), (None, ABANDONED_MS)):
            self._apply(self.inbox.reclaim(self.consumer, BATCH, idle_ms, owner))

    def _apply(self, entries: Sequence[Delivery | Garbled]) -> None:
        failed = self.batches.apply(entries)
        self.inbox.make_idle(self.consumer, failed, ABANDONED_MS - RETRY_MS)

    def _linger(self) -> list[Delivery | Garbled]:
        """Wait a moment for more with the doorbell hushed, then clear it and look one last time."""
        self.inbox.hush_doorbell()
        entries = self.inbox.read(self.consumer, BATCH, LINGER_MS)
        if not entries:
            self.inbox.clear_doorbell()
            entries = self.inbox.read(self.consumer, BATCH)
        return entries
