"""What is measured together: a stage holds its servers and its floor, and offers rows by group."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from bench import http_rows
from bench.http_rows import Rows
from bench.place import Place, running_place
from bench.rows import Round

OTHERS = 1_000
"""The players on the board beside those who send, unless a row says otherwise."""


@dataclass(frozen=True)
class Options:
    """How a bench is run."""

    rounds: int
    seconds: float
    generator: str


@dataclass(frozen=True)
class Stage:
    """Rows by group, and the floor that they are measured against."""

    floor_name: str
    floor: Callable[[], Round]
    groups: Mapping[str, Rows]


Opened = Callable[[Options, frozenset[str]], AbstractContextManager[Stage]]

BARE_APP = "bare Flask app"

_GROUPS: Mapping[str, Callable[[Place], Rows]] = {
    "updates": http_rows.updates,
    "reads": http_rows.reads,
    "busy": http_rows.busy_reads,
    "batches": http_rows.batches,
    "live": http_rows.live,
}


@contextmanager
def _default(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    with running_place(options.generator, options.seconds, OTHERS) as place:
        yield _stage(place, {name: make(place) for name, make in _GROUPS.items() if name in groups})


@contextmanager
def _console(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del groups
    with running_place(options.generator, options.seconds, OTHERS, SCOREBOARD_LOG_FORMAT="console") as place:
        yield _stage(place, {"logs": http_rows.few(place, "log in console format")})


def _stage(place: Place, groups: Mapping[str, Rows]) -> Stage:
    return Stage(BARE_APP, place.floor, groups)


STAGES: Mapping[frozenset[str], Opened] = {frozenset(_GROUPS): _default, frozenset({"logs"}): _console}
"""How a stage is opened, by the groups that it has. Those of one stage are measured in the same rounds."""

GROUPS = [group for groups in STAGES for group in groups]
BY_DEFAULT = ("updates", "reads", "busy", "batches", "live", "logs")
CHECKED = ("updates", "reads", "batches")
