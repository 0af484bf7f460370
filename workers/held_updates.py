"""Held updates: accepted, not applicable for a reason outside them, tried again after a pause, and shown meanwhile."""

import time

import redis
import structlog

from common.core import metrics
from common.redis_store import held
from common.redis_store.client import Client
from workers import faults

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 3.0
FAILURES_TO_SHOW = 3
"""The number of failures in a row that are shown; a server that is away for a moment is not."""


class HeldError(Exception):
    """Updates cannot be applied for a reason outside them. The message says which."""


class Backoff:
    """Pauses of one, two and then three seconds between failures in a row."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def has_failed(self) -> bool:
        """Return whether the last attempt failed."""
        return self._failures > 0

    def is_on(self) -> bool:
        """Return whether it is too early for another attempt."""
        return time.monotonic() < self._until

    def fail(self) -> None:
        self._failures += 1
        self._until = time.monotonic() + min(self._failures * FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def begin(self) -> None:
        """Start the first pause because of a failure elsewhere, unless a pause has begun."""
        if not self.has_failed:
            self.fail()

    def succeed(self) -> None:
        self._failures, self._until = 0, 0.0


class HeldUpdates:
    """Shows that this worker process holds updates: a mark in Redis, a metric, and one log line for each reason."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reason: str | None = None
        self._failures = 0
        self._may_be_left = True
        """Whether the mark of a process before this one may still be there."""

    def show(self, error: Exception) -> None:
        """Show that updates are held because of this error. Call it again as long as they are."""
        is_understood = isinstance(error, HeldError)
        reason = str(error) if is_understood else faults.describe(error)
        if reason != self._reason:
            log.error("updates_held", reason=reason, exc_info=None if is_understood else error)
        self._reason = reason
        metrics.HELD.set(1)
        try:
            held.show(self._client, reason)
        except redis.RedisError:
            log.warning("hold_not_shown", reason=reason)  # `/readyz` then says that Redis is away

    def note(self, error: Exception) -> None:
        """Count a failed attempt that will be repeated, and show it after several in a row."""
        self._failures += 1
        if self._failures >= FAILURES_TO_SHOW:
            self.show(error)

    def end(self) -> None:
        """Show that nobody holds updates, whoever has shown it: the inbox is empty, so there are none.

        A process may have failed, and another one have applied what it left; it then drains nothing more by itself.
        """
        self._may_be_left = True
        self.clear()

    def clear(self) -> None:
        """Show that this process holds no updates any more.

        The first call also removes the mark that an earlier process has left; a process that holds updates renews its
        own.
        """
        self._failures = 0
        if self._reason is None and not self._may_be_left:
            return
        held.clear(self._client)
        metrics.HELD.set(0)
        if self._reason is not None:
            log.info("updates_released", reason=self._reason)
        self._reason, self._may_be_left = None, False
