"""Drain the inbox: read entries, apply them, wait briefly for more, and end when none come.

The doorbell protocol: a web process rings when it accepts an update and no doorbell is outstanding. A running drain
suppresses the doorbell and resets it before its last read, so it either sees an update or is rung again for it. An old
doorbell, such as those that gathered while no worker ran, finds an empty inbox and costs next to nothing.

New entries come first. Entries that this process or a dead one left behind are reclaimed once in each drain, after the
first batch of new ones; a failure there does not stop the new ones.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import redis

from common.core.task_names import DOORBELL_SECONDS
from common.domain.inbox_entries import Delivery, Entry
from common.redis_store.inbox import Inbox
from workers.batches import Batches
from workers.finisher import Finisher
from workers.held_updates import Backoff, HeldError, HeldUpdates

BATCH = 500
WAIT_FOR_MORE_MS = 400
"""How long a drain stays for the next entry, which it then has at once and not by way of the broker. It must be well
below the time that a command to Redis may take (`client.COMMAND_TIMEOUT_SECONDS`)."""

PACE_SECONDS = 0.05
PACE_WHILE_WAITED_FOR_SECONDS = 0.015
"""The least time from one batch to the next under load, in which more entries gather, which saves CPU; the shorter one
if somebody waits for the outcome of an entry. A lone update never waits."""

GATHERED_WITHIN_SECONDS = 0.01
GATHERED_EVERY_SECONDS = 0.002
"""Who waited for a batch comes back together: so long the next one waits for as many. Without that a few early ones
have a batch to themselves, for which the others wait, and so on for ever."""

SUPPRESSED_AGAIN_AFTER_SECONDS = DOORBELL_SECONDS / 2
"""Suppressing the doorbell is a write, which Redis makes durable like any other: once a second is enough."""

BUSY_FROM = 8
"""The size of a batch from which the inbox counts as busy."""

CROWD_FROM = 16
"""The size from which batches for whose outcomes somebody waits are paced and gathered. Fewer updates are applied as
they come: at 500 a second, whoever waits has the outcome a third sooner."""

LONGEST_SECONDS = 5.0
"""The longest time of a drain, so that sweeps get their turn."""

ABANDONED_MS = 4_000
"""An entry that was delivered this long ago and not acknowledged is treated as a dead worker's. If the worker was only
slow, both apply it, and it counts once."""

RETRY_MS = 1_000
"""After this time any worker may try a failed entry again, not only the one that had it."""

_FIRST = "-"


@dataclass
class Drain:
    """Drains the inbox in one worker process. `consumer` is its name in the consumer group."""

    inbox: Inbox
    batches: Batches
    consumer: str
    held_updates: HeldUpdates
    _backoff: Backoff = field(default_factory=Backoff)
    _reclaim_backoff: Backoff = field(default_factory=Backoff)
    _suppressed_at: float = -math.inf
    _waited: int = 0
    """How many entries of the last batch somebody waited for; after fewer, it is forgotten by halves."""
    _reached: dict[str | None, str] = field(default_factory=dict)
    """The id up to which entries were reclaimed, by owner, so that held entries do not hide those behind them."""

    def run(self) -> bool:
        """Apply the entries of the inbox. Returns True if more are left and the doorbell has to be rung again.

        Where nothing can be applied for a reason outside the updates, they are held for a while. Raises the errors of a
        server that is away.
        """
        if self._backoff.is_on():
            return False
        try:
            rings = self._drain()
        except HeldError as error:
            self._backoff.fail()
            self.held_updates.show(error)
            return False
        except Exception as error:
            self.held_updates.note(error)
            raise
        self._backoff.succeed()
        if not self._reclaim_backoff.has_failed:
            self.held_updates.clear()
        return rings

    def _drain(self) -> bool:
        deadline = time.monotonic() + LONGEST_SECONDS
        entries = self._apply_new(waits=self._reset_doorbell())
        left_behind = self._left_behind(entries)
        failure = self._take_over(left_behind)
        with self._finishing() as finisher:
            while entries and time.monotonic() < deadline:
                entries = self._apply_new(waits=True, finisher=finisher)
                self._apply_again(finisher.take_failed())
            self._apply_again(finisher.take_failed(waits=True))
        if failure:
            raise failure
        if not entries:
            # After an outage the pending entries are many batches: the next drain goes on where this one has stopped.
            return len(left_behind) >= BATCH and not self._reclaim_backoff.has_failed
        self._reset_doorbell()
        return self.inbox.depth() > 0

    @contextmanager
    def _finishing(self) -> Iterator[Finisher]:
        """Finish batches beside the next ones. Those that an error of the drain leaves unfinished are released."""
        finisher = Finisher()
        try:
            with finisher:
                yield finisher
        finally:
            self._release(finisher.take_failed())

    def _apply_again(self, entries: Sequence[Entry]) -> None:
        """Apply entries that were recorded and could not be finished. They are found in the ledger and count once."""
        if entries and not self._apply(entries):
            self._reclaim_backoff.begin()

    def _apply_new(self, *, waits: bool, finisher: Finisher | None = None) -> Sequence[Entry]:
        """Read and apply entries that no worker has received yet, and return them.

        A lone one is not left to the `finisher`, because to wake another thread takes longer than it gains.
        """
        entries = self._wait_for_more() if waits else self.inbox.read(self.consumer, BATCH)
        self._gather(entries)
        began = time.monotonic()
        if entries and not self._apply(entries, finisher=finisher if len(entries) >= BUSY_FROM else None):
            self._reclaim_backoff.begin()
        self._waited = max(_count_waited_for(entries), self._waited // 2)
        pace = _pace(entries)
        if pace and len(entries) < BATCH:
            time.sleep(max(0.0, began + pace - time.monotonic()))
        return entries

    def _gather(self, entries: list[Entry]) -> None:
        """Read more, until as many have come as waited for the last batch, or for a moment."""
        if not entries or self._waited < CROWD_FROM:
            return
        until = time.monotonic() + GATHERED_WITHIN_SECONDS
        while len(entries) < self._waited and time.monotonic() < until:
            time.sleep(GATHERED_EVERY_SECONDS)
            try:
                entries += self.inbox.read(self.consumer, BATCH - len(entries))
            except redis.RedisError:  # what was read already is applied, or released
                return

    def _left_behind(self, new: Sequence[Entry]) -> list[Entry]:
        """Reclaim the entries that earlier drains of this process, or dead workers, did not finish.

        They are older than the entries that this drain has just read, some of which may still be pending.
        """
        if self._reclaim_backoff.is_on():
            return []
        before = new[0].inbox_id if new else None
        own = self._reclaimed(self.consumer, 0, before)
        return [*own, *self._reclaimed(None, ABANDONED_MS, before)]

    def _reclaimed(self, owner: str | None, idle_ms: int, before: str | None) -> list[Entry]:
        after = self._reached.get(owner, _FIRST)
        entries = self.inbox.reclaim(self.consumer, BATCH, idle_ms, owner, after=after, before=before)
        self._reached[owner] = entries[-1].inbox_id if len(entries) == BATCH else _FIRST
        return entries

    def _take_over(self, entries: Sequence[Entry]) -> Exception | None:
        """Apply reclaimed entries.

        The error of a server that is away is returned and not raised, so that it does not stop new entries.
        """
        if self._reclaim_backoff.is_on():
            self._release(entries)
            return None
        failure, all_applied, rest = None, True, entries
        try:
            while rest:
                batch, rest = rest[:BATCH], rest[BATCH:]
                all_applied &= self._apply(batch, waits_for_locks=False)
        except HeldError as error:
            self.held_updates.show(error)
            all_applied = False
        except Exception as error:
            failure, all_applied = error, False
        self._release(rest)
        if all_applied:
            self._reclaim_backoff.succeed()
        else:
            self._reclaim_backoff.fail()
        return failure

    def _apply(
        self, entries: Sequence[Entry], *, waits_for_locks: bool = True, finisher: Finisher | None = None
    ) -> bool:
        """Apply entries, and return whether none of them is held."""
        try:
            applied = self.batches.apply(entries, waits_for_locks=waits_for_locks, finisher=finisher)
        except Exception:
            self._release(entries)
            raise
        self.inbox.make_idle(self.consumer, list(applied.failed), ABANDONED_MS - RETRY_MS)
        self.inbox.release(self.consumer, applied.kept, ABANDONED_MS - RETRY_MS)
        if applied.trouble:
            self.held_updates.show(applied.trouble)
        return not applied.kept

    def _release(self, entries: Sequence[Entry]) -> None:
        """Release the entries that are not acknowledged. Their delivery does not count, because they were not tried."""
        times = {entry.inbox_id: entry.times for entry in entries}
        with suppress(redis.RedisError):  # the delivery counts then
            self.inbox.release(self.consumer, times, ABANDONED_MS - RETRY_MS)

    def _wait_for_more(self) -> list[Entry]:
        """Wait a moment for more with the doorbell suppressed, then reset it and read one last time."""
        if time.monotonic() > self._suppressed_at + SUPPRESSED_AGAIN_AFTER_SECONDS:
            self._suppressed_at = time.monotonic()
            self.inbox.suppress_doorbell()
        entries = self.inbox.read(self.consumer, BATCH, WAIT_FOR_MORE_MS)
        if not entries:
            self._reset_doorbell()
            entries = self.inbox.read(self.consumer, BATCH)
        return entries

    def _reset_doorbell(self) -> bool:
        """Let the next acceptance ring, and return whether somebody had rung."""
        self._suppressed_at = -math.inf
        return self.inbox.reset_doorbell()


def _pace(entries: Sequence[Entry]) -> float:
    """Return the least time (seconds) from this batch to the next."""
    if _count_waited_for(entries):
        return PACE_WHILE_WAITED_FOR_SECONDS if len(entries) >= CROWD_FROM else 0.0
    return PACE_SECONDS if len(entries) >= BUSY_FROM else 0.0


def _count_waited_for(entries: Sequence[Entry]) -> int:
    """Return for how many entries a request waits."""
    return sum(isinstance(entry, Delivery) and entry.update.reply_to is not None for entry in entries)
