"""How `make run` is asked to stop: Ctrl-C, SIGTERM, a closed terminal, or the end of the `make` that started it."""

import ctypes
import os
import signal
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1


class StopRequestedError(Exception):
    """Somebody asked for it."""


class StopRequest:
    """Remembers that a signal came. The loop asks at points where nothing is half done."""

    def __init__(self) -> None:
        self._came = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup make run` outlives its terminal
            signal.signal(signal.SIGHUP, self._remember)

    def obey(self) -> None:
        """Raises StopRequestedError if a signal came."""
        if self._came:
            raise StopRequestedError

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True


def stop_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when our parent ends, so that nothing outlives a `make` that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
