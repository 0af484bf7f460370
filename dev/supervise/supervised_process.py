"""A supervisor's record of one child: whether it runs, how often it died, and when it will be restarted."""

import math
import os
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from typing import Protocol

from dev.supervise import processes
from dev.supervise.processes import StartError

EARLIER_ENDS_WITHIN_SECONDS = 30.0
EXIT_NOT_RESTARTED = os.EX_CONFIG
"""The exit code of a program that a restart would not help."""
LONGEST_DELAY_SECONDS = 5.0
STABLE_AFTER_SECONDS = 10.0


class Child(Protocol):
    """A server or a program."""

    name: str
    stop_signal: signal.Signals

    def launch(self) -> bool:
        """Start it. Returns False while something of an earlier one is still ending."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The child's process, running or dead."""


@dataclass(frozen=True)
class Restarts:
    """The number of deaths in a row. After `STABLE_AFTER_SECONDS` of life the count starts anew."""

    deaths: int = 0

    def after_death(self, lived_seconds: float) -> "Restarts":
        return Restarts(1) if lived_seconds >= STABLE_AFTER_SECONDS else replace(self, deaths=self.deaths + 1)

    @property
    def delay(self) -> float:
        """The seconds to wait before a restart: none at first, then 0.5, 1, 2, 4 and never more than 5."""
        return 0.0 if self.deaths <= 1 else min(LONGEST_DELAY_SECONDS, 0.25 * 2.0 ** min(self.deaths - 1, 10))


class SupervisedProcess:
    """A child's starts and deaths. One that runs `once`, or ends with EXIT_NOT_RESTARTED, is not started again."""

    def __init__(self, child: Child, *, once: bool = False) -> None:
        self.child = child
        self.is_up = False
        self.deaths = 0
        self.exit_code: int | None = None
        self._once = once
        self._restarts = Restarts()
        self._due_at = time.monotonic()
        self._started_at = 0.0

    def is_due(self) -> bool:
        return not self.is_up and time.monotonic() >= self._due_at

    def start(self) -> bool:
        """Start the child if it can be started now. Raises StartError if an earlier process does not end."""
        self._started_at = time.monotonic()
        self.is_up = self.child.launch()
        if not self.is_up and self._started_at - self._due_at > EARLIER_ENDS_WITHIN_SECONDS:
            raise StartError(f"an earlier {self.child.name} is still running")
        return self.is_up

    def has_died(self) -> bool:
        return self.is_up and processes.has_ended(self.child.process)

    def close(self) -> str:
        """Record a death and end the rest of the process group. Returns a line about it, or an empty text."""
        self.exit_code = processes.reap(self.child.process)
        after = self.schedule_restart()
        return "" if self._once and not self.exit_code else f"{_ending(self.exit_code)}{after}"

    def schedule_restart(self) -> str:
        """Choose the time of the restart after a death or a failed start. Returns it as the end of a log line."""
        self.is_up = False
        self.deaths += 1
        if self._once or self.exit_code == EXIT_NOT_RESTARTED:
            self._due_at = math.inf
            return "" if self._once else "; it is not started again"
        self._restarts = self._restarts.after_death(time.monotonic() - self._started_at)
        self._due_at = time.monotonic() + self._restarts.delay
        return f"; starting it again in {self._restarts.delay:g} s" if self._restarts.delay else "; starting it again"


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
