"""Turns of reads that PostgreSQL answers in place of Redis: so many at a time, and after a long one a rest as long."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from common.contract.errors import ErrorCode, ScoreboardError

LONGEST_WAIT_SECONDS = 1.0

LONG_READ_SECONDS = 0.1
"""From here on a read is long, and as much time follows in which no other begins. A board for which that matters is
large, and being filled again: its readers would take the processors that filling it needs, for as long as they ask."""


def rebuilding() -> ScoreboardError:
    """Return the refusal of a read for which there is no turn in time."""
    return ScoreboardError(ErrorCode.REBUILDING, retry_after=1)


class ReadTurns:
    """The turns of this process, `at_once` at a time."""

    def __init__(self, at_once: int) -> None:
        self._seats = BoundedSemaphore(at_once)
        self._rests_until = float("-inf")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it in the block. Raises `rebuilding` for whoever would wait too long."""
        wait_until = time.monotonic() + LONGEST_WAIT_SECONDS
        if not self._seats.acquire(timeout=LONGEST_WAIT_SECONDS):
            raise rebuilding()
        try:
            while (rest := self._rests_until - time.monotonic()) > 0:
                if self._rests_until > wait_until:
                    raise rebuilding()
                time.sleep(rest)
            began_at = time.monotonic()
            try:
                yield
            finally:
                self._rest_after(began_at)
        finally:
            self._seats.release()

    def _rest_after(self, began_at: float) -> None:
        now = time.monotonic()
        took = now - began_at
        if took >= LONG_READ_SECONDS:
            self._rests_until = max(self._rests_until, now + took)
