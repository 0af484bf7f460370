"""What a supervisor knows of one child that it keeps alive: whether it is up, and when it is to start again."""

import math
import os
import signal
import subprocess
import time
from typing import Protocol

from dev import children
from dev.restarts import Restarts
from dev.servers import ServerError

EARLIER_ENDS_WITHIN_SECONDS = 30.0
GIVES_UP = os.EX_CONFIG
"""The exit code of a program that starting it again would not help."""


class Child(Protocol):
    """A server or a program."""

    name: str
    stop_signal: signal.Signals

    def launch(self) -> bool:
        """Start it, or say that the time has not come: something of an earlier one is still ending."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Its process, running or dead."""


class Life:
    """A child's starts and deaths. One that lives `once`, or gives up, is not started again."""

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

    def begin(self) -> bool:
        """Start it if it can be started now. Raises ServerError if an earlier one does not end."""
        self._started_at = time.monotonic()
        self.is_up = self.child.launch()
        if not self.is_up and self._started_at - self._due_at > EARLIER_ENDS_WITHIN_SECONDS:
            raise ServerError(f"an earlier {self.child.name} is still running")
        return self.is_up

    def has_died(self) -> bool:
        return self.is_up and children.has_ended(self.child.process)

    def close(self) -> str:
        """Take note of a death, and end what is left of its family. Says what happened, if it is worth a line."""
        self.exit_code = children.bury(self.child.process)
        after = self.put_off()
        return "" if self._once and not self.exit_code else f"{_ending(self.exit_code)}{after}"

    def put_off(self) -> str:
        """Choose when to start it again, after a death or a start that failed. Says when."""
        self.is_up = False
        self.deaths += 1
        if self._once or self.exit_code == GIVES_UP:
            self._due_at = math.inf
            return "" if self._once else "; it is not started again"
        self._restarts = self._restarts.after_death(time.monotonic() - self._started_at)
        self._due_at = time.monotonic() + self._restarts.delay
        return f"; starting it again in {self._restarts.delay:g} s" if self._restarts.delay else "; starting it again"


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
