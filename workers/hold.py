"""Accepted updates that are held back for no fault of their own: shown until it is over, and tried again in time."""

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
"""In a row: a server that is away for a moment is no news."""


class HeldError(Exception):
    """Updates cannot be applied for a reason that is none of theirs. The text says which."""


class Backoff:
    """Pauses of one, two and then three seconds between failures in a row."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def has_failed(self) -> bool:
        """Whether the last attempt did."""
        return self._failures > 0

    def is_on(self) -> bool:
        """Whether it is too early for another attempt."""
        return time.monotonic() < self._until

    def fail(self) -> None:
        self._failures += 1
        self._until = time.monotonic() + min(self._failures * FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def begin(self) -> None:
        """Something has failed elsewhere: the first pause, if there is none yet."""
        if not self.has_failed:
            self.fail()

    def succeed(self) -> None:
        self._failures, self._until = 0, 0.0


class Hold:
    """What one worker process shows: a mark in Redis, a metric, and one line in the log for each reason."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reason: str | None = None
        self._failures = 0
        self._may_be_left = True
        """Whether the mark of a process before this one may still be there."""

    def show(self, error: Exception) -> None:
        """Accepted updates wait because of this. Called again as long as they do."""
        is_understood = isinstance(error, HeldError)
        reason = str(error) if is_understood else faults.told(error)
        if reason != self._reason:
            log.error("updates_held", reason=reason, exc_info=None if is_understood else error)
        self._reason = reason
        metrics.HELD.set(1)
        try:
            held.show(self._client, reason)
        except redis.RedisError:
            log.warning("hold_not_shown", reason=reason)  # who cannot write there sees that Redis is away

    def note(self, error: Exception) -> None:
        """An attempt failed and will be repeated; it is shown if that happens again and again."""
        self._failures += 1
        if self._failures >= FAILURES_TO_SHOW:
            self.show(error)

    def clear(self) -> None:
        """Nothing is held back by this process any more.

        The first time, what a process before it left is taken away too; who holds updates back still says so again.
        """
        self._failures = 0
        if self._reason is None and not self._may_be_left:
            return
        held.clear(self._client)
        metrics.HELD.set(0)
        if self._reason is not None:
            log.info("updates_released", reason=self._reason)
        self._reason, self._may_be_left = None, False
