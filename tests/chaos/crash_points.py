"""Points at which a process of ours kills or freezes itself, once. Only the programs of this folder know of them."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from common.postgres import parts, period_closing, snapshots, standings, unlocks
from common.redis_store.inbox import Inbox
from common.services.rebuild import Rebuilder

POINT, MARKER, SIGNAL = "CHAOS_CRASH_AT", "CHAOS_CRASH_MARKER", "CHAOS_CRASH_SIGNAL"
"""Environment variables: where to die, the file that then holds the process id, and by which signal (SIGKILL)."""


def crash() -> None:
    """Die as by kill -9, or stand still, unless somebody has done it already."""
    try:
        with Path(os.environ[MARKER]).open("x") as marker:
            marker.write(str(os.getpid()))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.Signals[os.environ.get(SIGNAL, "SIGKILL")])


def _after(owner: Any, name: str) -> None:  # noqa: ANN401 - any class or module
    act = getattr(owner, name)

    def then_crash(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401
        result = act(*arguments, **keywords)
        crash()
        return result

    setattr(owner, name, then_crash)


def _before(owner: Any, name: str) -> None:  # noqa: ANN401
    act = getattr(owner, name)

    def crash_first(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401
        crash()
        return act(*arguments, **keywords)

    setattr(owner, name, crash_first)


def _within_stream() -> None:
    stream = standings.stream

    def one_page(*arguments: Any, **keywords: Any) -> Iterator[Sequence[Any]]:  # noqa: ANN401
        for page in stream(*arguments, **keywords):
            yield page
            crash()

    setattr(standings, "stream", one_page)  # noqa: B010 - a plain assignment has the wrong type


def _after_commit() -> None:
    from workers.batches import Batches  # noqa: PLC0415 - the web has no workers

    _after(Batches, "_record")


def _after_projection() -> None:
    _in_two_steps()
    from workers.batches import Batches  # noqa: PLC0415

    _after(Batches, "_project")


def _after_settling() -> None:
    _in_two_steps()
    _after(Inbox, "acknowledge")


def _in_two_steps() -> None:
    """Let small batches, too, be projected and settled one after the other."""
    from workers import batches  # noqa: PLC0415

    batches.MOST_ROWS_IN_ONE_STEP = -1


def _after_all_snapshots() -> None:
    from workers import snapshots as tasks  # noqa: PLC0415

    _before(tasks, "_forget_all_but")


def _before_final_snapshots() -> None:
    from workers import closing  # noqa: PLC0415

    _before(closing, "store_final_snapshots")


IN_WEB: dict[str, Callable[[], None]] = {"accept": lambda: _after(Inbox, "accept")}
IN_WORKER: dict[str, Callable[[], None]] = {
    "standings merged": lambda: _after(parts, "merge"),
    "achievements unlocked": lambda: _after(unlocks, "record"),
    "commit": _after_commit,
    "projection": _after_projection,
    "settling": _after_settling,
    "small batch finished": lambda: _after(Inbox, "finish"),
}
IN_REBUILD: dict[str, Callable[[], None]] = {
    "rebuild begun": lambda: _before(Rebuilder, "_stage_all"),
    "rebuild half staged": _within_stream,
    "rebuild staged": lambda: _after(Rebuilder, "_stage_all"),
    "rebuild committed": lambda: _after(Rebuilder, "_rebuild"),
}
IN_SNAPSHOTS: dict[str, Callable[[], None]] = {
    "snapshot read": lambda: _after(snapshots, "read"),
    "snapshot inserted": lambda: _after(snapshots, "store"),
    "snapshots stored": _after_all_snapshots,
}
IN_CLOSING: dict[str, Callable[[], None]] = {
    "period marked": lambda: _after(period_closing, "close"),
    "period closed, not announced": lambda: _before(Inbox, "announce"),
    "period closed, no final snapshot": _before_final_snapshots,
    "final snapshot inserted": lambda: _before(period_closing, "mark_snapshot_stored"),
}


ALL = IN_WEB | IN_WORKER | IN_REBUILD | IN_SNAPSHOTS | IN_CLOSING


def install() -> None:
    """Prepare this process for its death."""
    ALL[os.environ[POINT]]()
