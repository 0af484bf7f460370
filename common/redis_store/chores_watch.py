"""Whether any worker serves the queue of chores, by the mark that each chore leaves in Redis.

A Redis that was emptied has no mark for some seconds, and neither has a service that is just starting: only a mark
that stays away is news.
"""

import time
from collections.abc import Callable

from common.redis_store import keys
from common.redis_store.client import Client

MISSED_AFTER_SECONDS = 60.0
"""A start of everything together takes less, and a chore comes up every five seconds."""


class ChoresWatch:
    """What one process has seen of the mark. Ask it again and again."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._missing_since: float | None = None

    def is_unattended(self) -> bool:
        """Return whether the mark has been missing for a minute, at each look since."""
        if self._client.exists(keys.CHORES_SEEN):
            self._missing_since = None
            return False
        if self._missing_since is None:
            self._missing_since = self._clock()
        return self._clock() - self._missing_since > MISSED_AFTER_SECONDS
