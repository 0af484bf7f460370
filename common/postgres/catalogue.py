"""The catalogue of boards, with their seasons, and of actions: defaults, rows, and the cache of it in each process."""

import math
import time
from collections.abc import Collection
from dataclasses import asdict, fields
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from common.contract.constants import DEFAULT_BOARD
from common.core import deadlines
from common.domain.boards import Board, Rule, ScoreFormat, SecondScore, Ties, Visibility
from common.domain.ranking import Order
from common.domain.scoring import Action, Catalogue, ClaimedBy, Kind
from common.domain.seasons import Season
from common.postgres import achievements, seasons
from common.postgres.tables import actions, boards

FRESH_SECONDS = 5.0
READ_WHOLE_SECONDS = 30.0
"""After so long the catalogue is read whole even if its version is the same: the release before does not count it."""
_RETRY_SECONDS = 1.0
"""After a failure PostgreSQL is asked again at most this often, while there is no earlier catalogue to go on with."""

DEFAULTS = Catalogue(
    boards={DEFAULT_BOARD: Board(DEFAULT_BOARD)},
    actions={
        action_id: Action(action_id, 1, points, (DEFAULT_BOARD,))
        for action_id, points in {
            "daily-login": 5,
            "complete-level": 10,
            "win-match": 25,
            "win-tournament": 100,
            "share": 1,
        }.items()
    },
)

_IN_FORCE = text("""
SELECT DISTINCT ON (id) id, version, points, boards, cooldown_seconds, daily_limit, lifetime_limit, kind, value_min,
    value_max, claimed_by, enabled
FROM actions ORDER BY id, version DESC
""")

_VERSION = text("SELECT version FROM catalogue_version")
_COUNT = text("UPDATE catalogue_version SET version = version + 1")

_BOARD_COLUMNS = tuple(boards.c[field.name] for field in fields(Board) if field.name != "seasons")
_ACTION_FIELDS = tuple(field.name for field in fields(Action))


def load(connection: Connection) -> Catalogue:
    """Return the catalogue in force: the highest version of each action, unless that version is disabled."""
    return Catalogue(
        boards={board.id: board for board in list_boards(connection)},
        actions={action.id: action for action, enabled in list_all(connection) if enabled},
        achievements={achievement.id: achievement for achievement in achievements.load(connection)},
        achievements_version=achievements.version(connection),
    )


def list_boards(connection: Connection) -> list[Board]:
    """Return all boards with their seasons, in order of their ids."""
    of_boards = seasons.of_boards(connection)
    rows = connection.execute(select(*_BOARD_COLUMNS).order_by(boards.c.id))
    return [_board(row, of_boards.get(row.id, ())) for row in rows]


def list_all(connection: Connection) -> list[tuple[Action, bool]]:
    """Return the newest version of every action, in order of their ids, and whether it is enabled."""
    return [(_action(row), row.enabled) for row in connection.execute(_IN_FORCE)]


def add(connection: Connection, action: Action, *, enabled: bool) -> None:
    """Put a version of an action in force; every process follows within `FRESH_SECONDS`.

    Raises IntegrityError if this version is there already.
    """
    row = {**asdict(action), "boards": list(action.boards), "enabled": enabled}
    connection.execute(actions.insert().values(row))
    count_change(connection)


def count_change(connection: Connection) -> None:
    """Count the catalogue's version up, in the transaction of the change: processes look at nothing else."""
    connection.execute(_COUNT)


def read_orders(connection: Connection, board_ids: Collection[str]) -> dict[str, tuple[Order, bool]]:
    """Return the order of each board, and whether equal scores share a place; the usual of one that is not there."""
    second = boards.c.second["ascending"].as_boolean()
    columns = (boards.c.id, boards.c.ascending, second, boards.c.ties == Ties.SHARED)
    rows = connection.execute(select(*columns).where(boards.c.id.in_(board_ids)))
    usual = dict.fromkeys(board_ids, (Order(), False))
    return usual | {row[0]: (Order(row[1], row[2]), bool(row[3])) for row in rows}


def load_defaults(connection: Connection) -> None:
    """Add the rows of the default catalogue that the database has never had. Safe to run twice."""
    connection.execute(
        insert(boards).on_conflict_do_nothing(), [{"id": board_id} for board_id in sorted(DEFAULTS.boards)]
    )
    connection.execute(
        insert(actions).on_conflict_do_nothing(),
        [
            {"id": action.id, "version": action.version, "points": action.points, "boards": list(action.boards)}
            for action in DEFAULTS.actions.values()
        ],
    )


def has_board(connection: Connection, board_id: str) -> bool:
    """Return whether there is a board of this id."""
    return connection.execute(select(boards.c.id).where(boards.c.id == board_id)).first() is not None


def has_action(connection: Connection, action_id: str) -> bool:
    """Return whether there is, or was, an action of this id."""
    return connection.execute(select(actions.c.id).where(actions.c.id == action_id).limit(1)).first() is not None


def _board(row: Row[Any], of_board: tuple[Season, ...]) -> Board:
    stored = dict(row._mapping)
    second = stored["second"]
    if second is not None:
        stored["second"] = SecondScore(second["ascending"], second["label"], ScoreFormat(**second["format"]))
    return Board(
        **{
            **stored,
            "rule": Rule(stored["rule"]),
            "periods": tuple(stored["periods"]),
            "format": ScoreFormat(**stored["format"]),
            "ties": Ties(stored["ties"]),
            "visibility": Visibility(stored["visibility"]),
            "seasons": of_board,
        }
    )


def _action(row: Row[Any]) -> Action:
    stored = {name: getattr(row, name) for name in _ACTION_FIELDS}
    kinds = {"kind": Kind(row.kind), "claimed_by": ClaimedBy(row.claimed_by)}
    return Action(**{**stored, **kinds, "boards": tuple(row.boards)})


class CatalogueCache:
    """A copy of the catalogue in this process: at most 5 s old, or the last one read while PostgreSQL is away.

    It is read whole when its version has changed. Boards and actions are of one instant, so that no action names a
    board that the copy does not have.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._catalogue: Catalogue | None = None
        self._version: int | None = None
        self._read_at = -math.inf
        self._read_whole_at = -math.inf
        self._had_at = -math.inf
        self._failure: SQLAlchemyError | None = None
        self._reading = Lock()

    def current(self) -> Catalogue:
        """Return the catalogue. Raises SQLAlchemyError only if PostgreSQL has never been reached.

        One thread refreshes it after half of its lifetime; the others wait for that only after all of it.
        """
        known = self._catalogue
        if known and self._age < FRESH_SECONDS:
            if self._age < FRESH_SECONDS / 2 or not self._reading.acquire(blocking=False):
                return known
        else:
            self._reading.acquire()
        try:
            return self._refresh()
        finally:
            self._reading.release()

    def including(self, action_ids: Collection[str]) -> Catalogue:
        """Return the catalogue for whoever counts by it: with these actions if they exist, and at most 5 s old.

        It is read anew if it lacks an action, which another process may know already, and if PostgreSQL was away,
        since a season may have begun meanwhile. Raises SQLAlchemyError if that cannot be done.
        """
        known = self.current()
        has_all = known.actions.keys() >= set(action_ids)
        if has_all and time.monotonic() - self._had_at < FRESH_SECONDS:
            return known
        with self._reading:
            if not has_all:
                self._read_whole_at = -math.inf
            self._read()
            if self._failure:
                raise self._failure.with_traceback(None)
            return self._catalogue or known

    def knowing(self, board_id: str) -> Catalogue:
        """Return the catalogue, asked for anew if it lacks this board: at most once a second, whoever asks."""
        known = self.current()
        if board_id in known.boards or self._age < _RETRY_SECONDS:
            return known
        with self._reading:
            self._read()
            return self._catalogue or known

    def read_anew(self) -> Catalogue:
        """Return the catalogue as PostgreSQL has it now. Raises SQLAlchemyError if it cannot be read."""
        with self._reading:
            self._read_whole_at = -math.inf
            self._read()
            if self._failure:
                raise self._failure.with_traceback(None)
            return self._catalogue or DEFAULTS

    def expire(self) -> None:
        """Let the next caller ask PostgreSQL: this process has changed the catalogue."""
        self._read_at = -math.inf

    @property
    def _age(self) -> float:
        return time.monotonic() - self._read_at

    def _refresh(self) -> Catalogue:
        if self._age >= (FRESH_SECONDS / 2 if self._catalogue else _RETRY_SECONDS):
            self._read()
        elif self._failure:
            deadlines.mark_timed_out("postgresql")  # whoever waited for this attempt has spent the request's one wait
        if self._catalogue:
            return self._catalogue
        if self._failure is None:
            raise RuntimeError("neither a catalogue nor a failure")
        raise self._failure.with_traceback(None)

    def _read(self) -> None:
        begun_at = time.monotonic()
        try:
            with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                version = connection.scalar(_VERSION)
                if version != self._version or time.monotonic() - self._read_whole_at >= READ_WHOLE_SECONDS:
                    self._catalogue = load(connection)
                    self._version, self._read_whole_at = version, time.monotonic()
            self._failure, self._had_at = None, begun_at
        except SQLAlchemyError as error:
            self._failure = error
        self._read_at = time.monotonic()
