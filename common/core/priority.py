"""The priority of this process among those of the machine."""

import os

_NICENESS = 5
"""Beside one process of the ordinary priority such a one has a quarter of a processor that both want, 335 parts beside
1,024 (`sched_prio_to_weight` of Linux), so that it goes on whatever the others do."""


def give_way() -> None:
    """Let this process, and those it starts, have the processors after the others of the machine.

    The servers that work for it are other processes, and stay as they are.
    """
    os.nice(max(0, _NICENESS - os.nice(0)))
