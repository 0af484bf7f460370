"""The revocations of this process that Redis could not be told of, until it has been told. In memory and bounded."""

import time
from collections.abc import Callable, Collection

import structlog

from common.core import metrics

log = structlog.get_logger(__name__)

KEPT_AT_MOST = 10_000
"""Beyond this the oldest are dropped: whoever catches up from PostgreSQL tells Redis of them."""


class MissedRevocations:
    """Session ids, each with the mark that Redis lacks. A mark is kept for `lifetime` seconds at most."""

    def __init__(self, lifetime: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._marks: dict[str, tuple[str, float]] = {}

    def keep(self, session_ids: Collection[str], mark: str) -> None:
        """Keep these sessions with this mark, in place of an earlier one. The first of an outage is logged."""
        if session_ids and not self._marks:
            log.warning("revocations_kept", reason="Redis cannot be told now; it is as soon as it can be reached")
        until = self._clock() + self._lifetime
        for session_id in session_ids:
            self._marks.pop(session_id, None)
            self._marks[session_id] = (mark, until)
        while len(self._marks) > KEPT_AT_MOST:
            self._marks.pop(next(iter(self._marks)), None)
        self._show()

    def waiting(self) -> dict[str, list[str]]:
        """Return the sessions that are kept, by mark, and forget those whose mark would have expired in Redis."""
        now = self._clock()
        waiting: dict[str, list[str]] = {}
        for session_id, (mark, until) in tuple(self._marks.items()):
            if until <= now:
                self._marks.pop(session_id, None)
            else:
                waiting.setdefault(mark, []).append(session_id)
        self._show()
        return waiting

    def told(self, session_ids: Collection[str], mark: str) -> None:
        """Forget these sessions, but for those that have got another mark meanwhile."""
        for session_id in session_ids:
            if self._marks.get(session_id, ("", 0.0))[0] == mark:
                self._marks.pop(session_id, None)
        self._show()

    def forget(self, session_ids: Collection[str]) -> None:
        """Forget these sessions, whatever their mark: Redis knows them as revoked for good."""
        for session_id in session_ids:
            self._marks.pop(session_id, None)
        self._show()

    def _show(self) -> None:
        metrics.REVOCATIONS_MISSED.set(len(self._marks))
