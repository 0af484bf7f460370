"""What is measured together: a stage holds its servers and its floor, and offers rows by group."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from bench import catalogue_rows, chore_rows, http_rows, refill_rows, storage_rows
from bench.http_rows import Rows
from bench.place import Place, running_place
from bench.rows import Round
from bench.worker_rows import running_worker_place

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
    """Rows by section, and the floor that they are measured against. With `once` there is one round."""

    floor_name: str
    floor: Callable[[], Round]
    sections: Mapping[str, Rows]
    once: bool = False


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
def _waiting(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del groups
    with running_place(options.generator, options.seconds, OTHERS) as place:
        yield Stage(BARE_APP, place.floor, {"waiting": http_rows.waiting(place)})


@contextmanager
def _default(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    with running_place(options.generator, options.seconds, OTHERS) as place:
        sections = {name: make(place) for name, make in _GROUPS.items() if name in groups}
        yield Stage(BARE_APP, place.floor, sections)


@contextmanager
def _worker(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del options, groups
    with running_worker_place() as place:
        rows = {
            f"worker from a full inbox, {count} process{'es' if count > 1 else ''}": partial(place.worker, count)
            for count in (1, 2)
        }
        yield Stage("bare SQL of the same batches", place.bare_sql, {"worker": rows})


@contextmanager
def _console(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del groups
    with running_place(options.generator, options.seconds, OTHERS, SCOREBOARD_LOG_FORMAT="console") as place:
        yield Stage(BARE_APP, place.floor, {"logs": http_rows.few(place, "log in console format")})


@contextmanager
def _boards(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del groups
    with running_place(options.generator, options.seconds, OTHERS) as place:
        yield Stage(BARE_APP, place.floor, {"boards": catalogue_rows.rows(place)})


@contextmanager
def _chores(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del groups
    with chore_rows.running_chore_place(options.generator, options.seconds) as place:
        yield Stage(BARE_APP, place.floor, {"chores": chore_rows.rows(place)}, once=True)


@contextmanager
def _storage(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del groups
    with running_place(options.generator, options.seconds, 0) as place:
        yield Stage(BARE_APP, place.floor, {"storage": storage_rows.rows(place)}, once=True)


@contextmanager
def _refill(options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del groups
    with running_place(options.generator, options.seconds, refill_rows.PLAYERS) as place:
        yield Stage(BARE_APP, place.floor, {"refill": refill_rows.rows(place)}, once=True)


@contextmanager
def _players(players: int, options: Options, groups: frozenset[str]) -> Iterator[Stage]:
    del groups
    with running_place(options.generator, options.seconds, players) as place:
        title = f"{players:,} players"
        yield Stage(BARE_APP, place.floor, {title: http_rows.few(place, title)})


STAGES: Sequence[tuple[frozenset[str], Opened]] = (
    (frozenset({"waiting"}), _waiting),
    (frozenset(_GROUPS), _default),
    (frozenset({"worker"}), _worker),
    (frozenset({"logs"}), _console),
    (frozenset({"boards"}), _boards),
    (frozenset({"chores"}), _chores),
    (frozenset({"storage"}), _storage),
    (frozenset({"refill"}), _refill),
    *((frozenset({"players"}), partial(_players, players)) for players in (1_000, 100_000, 1_000_000)),
)
"""How a stage is opened, by the groups that it has. Those of one stage are measured in the same rounds."""

GROUPS = ("waiting", *_GROUPS, "worker", "logs", "boards", "chores", "storage", "refill", "players")
BY_DEFAULT = ("waiting", *_GROUPS, "worker", "logs")
CHECKED = ("updates", "reads", "batches")
