"""The pulse of each background loop of this process: when it last got something done, so that none dies unseen."""

import time

from common.core import metrics

STALLED_SECONDS = 20.0
"""The slowest loop gets around to it every ten seconds or so."""


class Heartbeats:
    """A loop that never began has no pulse and is none the worse for it."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def beat(self, loop: str) -> None:
        """This loop has just done its turn."""
        self._at[loop] = time.monotonic()
        metrics.LOOP_SUCCESS.labels(loop).set_to_current_time()

    def stalled(self) -> list[str]:
        """The loops that have not come around for too long."""
        now = time.monotonic()
        return sorted(loop for loop, at in self._at.items() if now - at > STALLED_SECONDS)
