"""A board: its scoring rule, its order, its periods, and how it is shown. Pure.

What would rewrite history never changes: the rule, the order, the second score, and the periods
(`IMMUTABLE`). Everything else may.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from common.contract.constants import PERIOD_NAMES
from common.contract.errors import ErrorCode

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
    """A row of the catalogue. `revision` counts its changes."""

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

    def __post_init__(self) -> None:
        if self.rule in (Rule.HIGHEST, Rule.LOWEST) and self.ascending is not (self.rule is Rule.LOWEST):
            raise ValueError(f"board {self.id}: the rule {self.rule} decides the order")
        if not self.periods or not set(self.periods) <= set(PERIOD_NAMES):
            raise ValueError(f"board {self.id}: periods are some of {', '.join(PERIOD_NAMES)}")

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
"""The fields of a board that never change; of `second` its label and its format may."""


def listed(boards: Iterable[Board], now: datetime) -> list[Board]:
    """Return the boards that are on lists, neither hidden nor archived ones, in the order of lists."""
    shown = (board for board in boards if board.visibility is not Visibility.HIDDEN)
    return sorted((board for board in shown if not board.is_archived_at(now)), key=place_of)


def place_of(board: Board) -> tuple[str, int, str]:
    """Return what boards are sorted by in lists: category, position, id."""
    return board.category or "", board.position, board.id
