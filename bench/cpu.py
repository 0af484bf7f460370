"""CPU time by kind of process, so that a row shows who did the work."""

import resource
from collections.abc import Collection, Iterator, Mapping

import psutil

Seconds = dict[str, float]
"""CPU seconds, user and system, by kind of process."""


def read(kinds: Mapping[str, psutil.Process]) -> Seconds:
    """Return what each kind's processes have used so far, with their children, those that have ended too.

    A process below another kind's counts for its own kind. `generator` is what the ended children of this process have
    used, for loads run there.
    """
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    firsts = {first.pid for first in kinds.values()}
    used = {kind: sum(_of_family(first, firsts)) for kind, first in kinds.items()}
    return {**used, "generator": own.ru_utime + own.ru_stime}


def between(before: Seconds, after: Seconds) -> Seconds:
    """Return what was used between two readings."""
    return {kind: after[kind] - used for kind, used in before.items() if kind in after}


def per_request(used: Seconds, requests: int) -> dict[str, float]:
    """Return microseconds per request by kind; kinds that used less than half a microsecond are left out."""
    each = {kind: seconds / max(1, requests) * 1e6 for kind, seconds in used.items()}
    return {kind: round(microseconds, 1) for kind, microseconds in each.items() if microseconds >= 0.5}  # noqa: PLR2004


def _of_family(process: psutil.Process, firsts: Collection[int]) -> Iterator[float]:
    try:
        yield sum(process.cpu_times()[:4])
        children = process.children()
    except psutil.NoSuchProcess:
        return
    for child in children:
        if child.pid not in firsts:
            yield from _of_family(child, firsts)
