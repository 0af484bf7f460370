"""The priority of this process among those of the machine."""

import os
from contextlib import suppress
from pathlib import Path

_NICENESS = 5
"""Beside one process of the ordinary priority such a one has a quarter of a processor that both want, 335 parts beside
1,024 (`sched_prio_to_weight` of Linux), so that it goes on whatever the others do."""

_AUTOGROUP = Path("/proc/self/autogroup")
"""Linux weighs whole sessions against each other where it groups them by itself: sched(7), "The autogroup feature"."""


def give_way() -> None:
    """Let this process, and those it starts, have the processors after the others of the machine.

    So has its session, if it leads one. The servers that work for it are other processes, and stay as they are.
    """
    os.nice(max(0, _NICENESS - os.nice(0)))
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # a system without autogroups
            _AUTOGROUP.write_text(str(_NICENESS))
