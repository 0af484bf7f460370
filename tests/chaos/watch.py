"""Somebody on call, who asks `/readyz` all the while: what breaks has to be told there as long as it lasts."""

import threading
import time
from typing import NamedTuple

import requests

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until

_EVERY_SECONDS = 0.25
_PATIENCE_SECONDS = 5.0


class Look(NamedTuple):
    """One answer of `/readyz`: when it was asked for, and what it says is not as it should be."""

    at: float
    told: list[str]


def look(stack: Stack) -> Look | None:
    """Ask once; None if nobody answers."""
    at = time.monotonic()
    try:
        answer = requests.get(f"{stack.url}/readyz", timeout=_PATIENCE_SECONDS)
    except requests.RequestException:
        return None
    if answer.status_code == 503:
        return Look(at, [str(answer.json()["error"]["message"])])
    return Look(at, list(answer.json()["degraded"]))


class Watch(threading.Thread):
    """Looks again and again, and remembers what was told."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(name="watch")
        self._stack = stack
        self._ends = threading.Event()
        self._looks: list[Look] = []
        self._asked_at = 0.0

    def run(self) -> None:
        while not self._ends.wait(_EVERY_SECONDS):
            self._asked_at = time.monotonic()
            seen = look(self._stack)
            if seen and seen.told:
                self._looks.append(seen)

    def end(self) -> None:
        self._ends.set()
        self.join()

    def told_between(self, since: float, until: float) -> list[str]:
        """Everything that was not as it should be, by answers that were asked for within these instants.

        Waits for the last of them: what is broken answers late.
        """
        wait_until(lambda: self._asked_at > until, 2 * _PATIENCE_SECONDS)
        return [sentence for seen in tuple(self._looks) if since <= seen.at <= until for sentence in seen.told]
