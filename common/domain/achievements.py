"""Achievements: what they are, and what recorded updates bring their players nearer to them. Pure.

What decides never depends on the order of updates or on the borders of batches: uses are added up, a score is compared
with a bound, and final ranks are final. So an achievement is unlocked by the same updates whoever applies them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from common.contract.constants import PERIOD_NAMES, SEASON
from common.domain import periods
from common.domain.boards import Board
from common.domain.ledger_row import LedgerRow

ONCE = ""
"""The scope of an unlock that happens once for ever; every other scope is the id of a period."""


class AchievementKind(StrEnum):
    """How it is decided that an achievement is unlocked."""

    COUNT = "count"
    SCORE = "score"
    PLACEMENT = "placement"
    GRANTED = "granted"


@dataclass(frozen=True)
class Achievement:
    """A row of the catalogue.

    `repeats` names the period in each of which it can be unlocked once; None: once for ever. If that is the season,
    those of the board `board_id` are meant, whatever the kind. Of its kind alone are
    `actions` and `goal` (uses that count), `board_id`, `period` and `reach` (a score), `board_id`, `period`, `within`
    and `min_players` (a final rank), and `goal` again (steps that a game server grants). `retroactive`: what happened
    before it was made counts too.
    """

    id: str
    title: str
    kind: AchievementKind
    description: str = ""
    icon: str = "star"
    secret: bool = False
    repeats: str | None = None
    enabled: bool = True
    retroactive: bool = False
    actions: tuple[str, ...] = ()
    goal: int | None = None
    board_id: str | None = None
    period: str | None = None
    reach: int | None = None
    within: int | None = None
    min_players: int | None = None

    @property
    def has_steps(self) -> bool:
        """Whether a player comes nearer to it step by step."""
        return self.goal is not None

    def scope_at(self, instant: datetime, boards: Mapping[str, Board]) -> str | None:
        """Return the scope of what was accepted, or granted, at this instant; None if it falls into none.

        That is so where it repeats by season, and none was open on its board, one of `boards`.
        """
        if self.repeats is None:
            return ONCE
        if self.repeats == SEASON:
            board = boards.get(self.board_id or "")
            season = board.season_at(instant) if board else None
            return season.period_id if season else None
        return periods.ids_at(instant)[PERIOD_NAMES.index(self.repeats)]


class StepKey(NamedTuple):
    """Whose steps towards what. The order of these tuples is the global order in which rows are locked."""

    user_id: str
    achievement_id: str
    scope: str


class Steps(NamedTuple):
    """Steps that are added: how many, towards which goal, and the ledger row that is the last of them."""

    taken: int
    goal: int
    event_id: int


class Unlock(NamedTuple):
    """That a player has unlocked an achievement in a scope; `unlocked_at` is in ms."""

    user_id: str
    achievement_id: str
    scope: str
    unlocked_at: int


def steps_of(
    rows: Iterable[LedgerRow], counting: Mapping[str, tuple[Achievement, ...]], boards: Mapping[str, Board]
) -> dict[StepKey, Steps]:
    """Return the steps that ledger rows add up to.

    `counting` has the achievements that count uses, by action id, and `boards` those whose seasons count.
    """
    steps: dict[StepKey, Steps] = {}
    for row in rows:
        if row.refusal is not None:
            continue
        for achievement in counting.get(row.action_id, ()):
            scope = achievement.scope_at(row.accepted_at, boards)
            if scope is None:
                continue
            key = StepKey(row.user_id, achievement.id, scope)
            known = steps.get(key)
            taken = known.taken + 1 if known else 1
            steps[key] = Steps(taken, achievement.goal or 0, max(row.id, known.event_id if known else 0))
    return steps


def is_reached(score: int, reach: int, *, ascending: bool) -> bool:
    """Return whether a score is as good as the bound `reach`, where the lowest score leads if `ascending`."""
    return score <= reach if ascending else score >= reach
