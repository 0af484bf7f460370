"""Heartbeats of the background loops of this process, so that none stops unnoticed."""

import time

from common.core import metrics

STALLED_SECONDS = 20.0
"""The slowest loop completes a turn about every ten seconds."""


class Heartbeats:
    """The heartbeats of this process' loops. Loops that have not started are not reported."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def beat(self, loop: str) -> None:
        """Record that this loop has just completed a turn."""
        self._at[loop] = time.monotonic()
        metrics.LOOP_SUCCESS.labels(loop).set_to_current_time()

    def stalled(self) -> list[str]:
        """Return the loops that have not completed a turn for too long."""
        now = time.monotonic()
        return sorted(loop for loop, at in self._at.items() if now - at > STALLED_SECONDS)
