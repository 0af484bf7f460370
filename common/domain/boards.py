"""A board: its scoring rule, its order, its periods, and how it is shown. Pure.

What would rewrite history never changes: the rule, the order, the second score, and the periods
(`IMMUTABLE`). Everything else may. Seasons may be added to the periods, since they begin in the future.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Literal

from common.contract.constants import ALL_TIME, PERIOD_NAMES, SEASON
from common.contract.errors import ErrorCode
from common.domain import periods
from common.domain.periods import Period
from common.domain.seasons import Season, names_a_season

NOTICE = timedelta(seconds=6)
"""How long after a decision every process knows of it: a catalogue is at most 5 s old."""


class Rule(StrEnum):
    """What the events of a player make of their score (`common/domain/scoring.py`)."""

    SUM = "sum"
    COUNT = "count"
    HIGHEST = "highest"
    LOWEST = "lowest"
    LATEST = "latest"


class Ties(StrEnum):
    """Whether players of equal scores have places one after the other, or share one."""

    ORDINAL = "ordinal"
    SHARED = "shared"


class Visibility(StrEnum):
    """Who may see a board: everybody, who is logged in, or admins and API keys that may read."""

    PUBLIC = "public"
    PLAYERS = "players"
    HIDDEN = "hidden"

    def is_stricter_than(self, other: "Visibility") -> bool:
        """Return whether fewer may see a board of this visibility than one of the other."""
        order = tuple(Visibility)
        return order.index(self) > order.index(other)


@dataclass(frozen=True)
class ScoreFormat:
    """How a score is written for people; on the wire it is a whole number.

    `places` are the digits behind the point of a decimal (61200 with 3 is 61.200), `unit` is that of a duration.
    """

    kind: Literal["integer", "decimal", "duration"] = "integer"
    places: int = 0
    unit: Literal["ms", "s"] | None = None


@dataclass(frozen=True)
class SecondScore:
    """A second score, which decides between equal first ones."""

    ascending: bool
    label: str = ""
    format: ScoreFormat = ScoreFormat()


@dataclass(frozen=True)
class Board:
    """A row of the catalogue, with the board's seasons. `revision` counts its changes, but for those of seasons."""

    id: str
    title: str = ""
    description: str = ""
    category: str | None = None
    position: int = 0
    rule: Rule = Rule.SUM
    ascending: bool = False
    second: SecondScore | None = None
    periods: tuple[str, ...] = PERIOD_NAMES
    format: ScoreFormat = ScoreFormat()
    ties: Ties = Ties.ORDINAL
    visibility: Visibility = Visibility.PUBLIC
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    archived_at: datetime | None = None
    revision: int = 1
    seasons: tuple[Season, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.rule in (Rule.HIGHEST, Rule.LOWEST) and self.ascending is not (self.rule is Rule.LOWEST):
            raise ValueError(f"board {self.id}: the rule {self.rule} decides the order")
        if not self.calendar or not set(self.periods) <= {*PERIOD_NAMES, SEASON}:
            raise ValueError(f"board {self.id}: periods are some of {', '.join(PERIOD_NAMES)}, and perhaps {SEASON}")

    @cached_property
    def calendar(self) -> tuple[str, ...]:
        """The names of the board's periods of the calendar."""
        return tuple(name for name in self.periods if name != SEASON)

    def season_at(self, instant: datetime) -> Season | None:
        """Return the season that is open at this instant."""
        return next((season for season in self.seasons if season.includes(instant)), None)

    def period_ids_at(self, instant: datetime) -> tuple[str, ...]:
        """Return the ids of the periods that an update accepted at this instant belongs to, the season last."""
        ids = periods.ids_of(self.calendar, instant)
        if self.seasons and (season := self.season_at(instant)):
            return (*ids, season.period_id)
        return ids

    def open_periods(self, instant: datetime) -> list[Period]:
        """Return the periods that are open at this instant, the season last."""
        season = self.season_at(instant)
        return [periods.current(name, instant) for name in self.calendar] + ([season.period] if season else [])

    def longest_period_at(self, instant: datetime) -> str:
        """Return the id of the longest period of an instant: all time, else the season, the month, the week, the day.

        Between two seasons of a board that has no longer period it is the next shorter one.
        """
        season = None if ALL_TIME in self.periods else self.season_at(instant)
        if season:
            return season.period_id
        longest = next(name for name in (ALL_TIME, "monthly", "weekly", "daily") if name in self.periods)
        return periods.ids_at(instant)[PERIOD_NAMES.index(longest)]

    def find_season(self, season_id: str) -> Season | None:
        """Return the season of this id, planned, open or over."""
        return next((season for season in self.seasons if season.id == season_id), None)

    def season_named(self, name_or_id: str, now: datetime) -> Season | None:
        """Return the season whose period has this id, or with the name `season` the one that is open at `now`."""
        if name_or_id == SEASON:
            return self.season_at(now)
        return next((season for season in self.seasons if season.period_id == name_or_id), None)

    def find_period(self, name_or_id: str, now: datetime) -> Period | None:
        """Return the period of this name or id; None for one that the board has not, or not now.

        Raises ValueError for one that no board can have.
        """
        if names_a_season(name_or_id):
            season = self.season_named(name_or_id, now)
            return season.period if season else None
        period = periods.resolve(name_or_id, now)
        return period if periods.name_of(period.id) in self.periods else None

    def next_end(self, instant: datetime) -> datetime | None:
        """Return when the board closes or its season ends, whichever comes first; None if neither is to come."""
        season = self.season_at(instant)
        ends = (self.closes_at, season.ends_at if season else None)
        return min((end for end in ends if end is not None and end > instant), default=None)

    def state_at(self, instant: datetime) -> Literal["planned", "open", "closed", "archived"]:
        """Return the state that people see. A board is archived at once, also while it takes the last updates."""
        if self.is_archived_at(instant):
            return "archived"
        refusal = self.refusal_at(instant)
        if refusal is None:
            return "open"
        return "planned" if refusal is ErrorCode.BOARD_NOT_OPEN else "closed"

    def is_archived_at(self, instant: datetime) -> bool:
        """Return whether the board is off every list: from `NOTICE` before the instant at which it is archived."""
        return self.archived_at is not None and self.archived_at <= instant + NOTICE

    def refusal_at(self, instant: datetime) -> ErrorCode | None:
        """Return why the board takes no update that is accepted at this instant, or None if it takes it."""
        if self.opens_at is not None and instant < self.opens_at:
            return ErrorCode.BOARD_NOT_OPEN
        if self.closes_at is not None and instant >= self.closes_at:
            return ErrorCode.BOARD_CLOSED
        if self.archived_at is not None and instant >= self.archived_at:
            return ErrorCode.BOARD_CLOSED
        return None


IMMUTABLE = ("rule", "ascending", "second", "periods")
"""The fields of a board that never change; of `second` its label and its format may, and `season` may be added to
`periods`."""


def listed(boards: Iterable[Board], now: datetime) -> list[Board]:
    """Return the boards that are on lists, neither hidden nor archived ones, in the order of lists."""
    shown = (board for board in boards if board.visibility is not Visibility.HIDDEN)
    return sorted((board for board in shown if not board.is_archived_at(now)), key=place_of)


def place_of(board: Board) -> tuple[str, int, str]:
    """Return what boards are sorted by in lists: category, position, id."""
    return board.category or "", board.position, board.id
